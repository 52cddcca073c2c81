import Glibc
@_spi(Host) import Sluice

enum TimingCommand: Subcommand {
    static let help = Help(
        name: "timing", summary: "Tells and plots the gaps, drift and depth of a run's report or of a capture",
        operands: "FILE",
        options: [
            .init(name: "-o", value: "FILE", help: "write the plot, an SVG, to FILE"),
            .init(
                name: "--clock-rate", value: "HZ",
                help: "of the RTP timestamps in a capture; guessed for each stream if not given"
            ),
        ],
        details: """
            FILE is a report that "sluice run --report" wrote, or a capture (pcap or pcapng) of RTP over UDP. Of a report
            it plots the nodes that keep numbers over time. "meter" does with "series": true.
            """,
        example: "sluice timing capture.pcap -o timing.svg")

    static func run(_ arguments: Arguments) throws -> Int32 {
        let path = try arguments.operand()
        let clock = try clockRate(arguments)
        var plot: OutputFile?
        if let output = try arguments.svg("-o") { plot = try OutputFile(output, for: "-o", arguments) }
        let streams = try streams(path, clock)
        Console.answer(text(streams))
        guard plot != nil else { return 0 }
        if streams.allSatisfy(\.lines.isEmpty) {
            Console.say(
                "\(path) holds no numbers over time, so the plot is empty: let a meter keep them with \"series\": true.\n"
            )
        }
        let name = path.split(separator: "/").last.map(String.init) ?? path
        try plot?.write(TimingPlot(title: name, streams: streams).svg)
        return 0
    }

    private static func clockRate(_ arguments: Arguments) throws -> Double? {
        guard let word = arguments.value("--clock-rate") else { return nil }
        guard let rate = Int(word), 1...10_000_000 ~= rate else {
            throw arguments.error("--clock-rate takes Hz, 1 to 10000000, not \"\(word)\".")
        }
        return Double(rate)
    }

    /// Captures are told by the number that they begin with (pcap-savefile(5), pcapng's section header block).
    private static let magics: [[UInt8]] = [
        [0xd4, 0xc3, 0xb2, 0xa1], [0xa1, 0xb2, 0xc3, 0xd4], [0x4d, 0x3c, 0xb2, 0xa1], [0xa1, 0xb2, 0x3c, 0x4d],
        [0x0a, 0x0d, 0x0d, 0x0a],
    ]

    private static func streams(_ path: String, _ clock: Double?) throws -> [TimingStream] {
        if magics.contains(try beginning(of: path)) { return try capture(path, clock) }
        let bytes: [UInt8]
        do { bytes = try GraphFiles.system.read(path) } catch {
            throw NodeError(
                "\(path) cannot be read: \((error as? FileProblem)?.reason ?? "\(error)").", isInputError: true)
        }
        let report = try JSONValue.parse(bytes, file: path)
        guard report["nodes"]?.members != nil else {
            throw NodeError(
                "\(path) is neither a report nor a capture",
                advice: "Give what \"sluice run --report FILE\" wrote, or a pcap or pcapng file.", isInputError: true)
        }
        let streams = ReportTiming.streams(report)
        if streams.isEmpty {
            throw NodeError("\(path) is a report without nodes and edges: there is nothing to tell", isInputError: true)
        }
        return streams
    }

    private static func capture(_ path: String, _ clock: Double?) throws -> [TimingStream] {
        var timing = RTPTiming()
        var packets = 0
        let damage = try PacketCapture.read(path) { time, link, bytes in
            packets += 1
            if let packet = CapturedPacket(bytes, link: link) { timing.note(packet, at: time) }
        }
        if let damage { Console.say("\(path): the capture ends early: \(damage).\n") }
        let streams = timing.streams(clock: clock)
        guard !streams.isEmpty else {
            throw NodeError(
                "\(path) holds \(packets) packets and no RTP stream among them",
                advice: "A stream is ten packets or more over UDP from one address to another.", isInputError: true)
        }
        return streams
    }

    private static func beginning(of path: String) throws(NodeError) -> [UInt8] {
        // A FIFO is not waited for.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw NodeError("\(path) cannot be read: \(errorText(errno)).", isInputError: true)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw NodeError("\(path) is no file, but a directory, a pipe or a device.", isInputError: true)
        }
        var bytes = [UInt8](repeating: 0, count: 4)
        let count = read(descriptor, &bytes, 4)
        return Array(bytes.prefix(max(0, count)))
    }

    private static func text(_ streams: [TimingStream]) -> String {
        streams.map { stream in
            "\(printable(stream.name))\n" + table(stream.figures.map { ("  \($0.name)", printable($0.value)) })
        }.joined(separator: "\n")
    }
}
