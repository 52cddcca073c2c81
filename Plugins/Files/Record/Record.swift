import LibAV
import Sluice

/// Writes packets, raw audio, or data to a file: nothing is encoded. Streams are put in the order of their decoding
/// times. Where a file cannot go on, since a format changed or a stream came late, the next one does. So it is after
/// each `segment_s`.
public final class Record: Node {
    public static let descriptor = NodeDescriptor(
        "record", summary: "Writes packets to a webm, mkv, ts, mp4 or wav file, or data as JSON Lines", work: .blocking,
        traits: [.joins, .keeps],
        example: #""tape": { "type": "record", "path": "tape.webm" }"#)

    let video = Input<MediaItem>("video", .codedVideo, variants: Container.variants(.video), optional: true)
    let audio = Input<MediaItem>(
        "audio", .codedAudio | .rawAudio, variants: Container.variants(.audio), optional: true)
    let data = Input<DataItem>("data", .data, optional: true)

    @Parameter("path", help: "The file that is written. A restarted node goes on in another: tape.2.webm.")
    var name: String
    @Parameter(
        "if_exists", default: .auto,
        help:
            "Replaces a file that exists, numbers the new one (tape.2.webm), or fails. "
            + "auto numbers in an instance of a template and with segment_s, and replaces elsewhere."
    ) var ifExists: WrittenFile.Existing
    @Parameter("format", default: Choice.auto, help: "The container. auto takes it from the ending of path.")
    var choice: Choice
    @Parameter(
        "begin_wait_ms", default: 15_000, range: 0...600_000,
        help: "The longest wait for the format of every stream before the file begins without, in ms."
    ) var beginWait: Int
    @Parameter(
        "max_wait_ms", default: 2_000, range: 0...60_000,
        help: "The longest wait for a silent stream before the other goes on alone, in ms.") var maxWait: Int
    @Parameter(
        "segment_s", default: 0, range: 0...864_000,
        help:
            "The length of each file in s, cut at keyframes. 0 writes one file. "
            + "path may hold the time, as strftime does: tape-%Y%m%d-%H%M%S.mkv."
    ) var segment: Double
    @Parameter(
        "keep", default: 0, range: 0...1_000_000,
        help: "The number of segments of this run that stay, with the present one. "
            + "The oldest is deleted. 0 keeps all.")
    var keep: Int
    @Parameter(
        "keep_mb", default: 0, range: 0...1_000_000_000,
        help: "The most MiB that the segments of this run may take. The oldest is deleted. 0 sets no limit.")
    var keepSize: Int
    @Parameter(
        "min_free_mb", default: 16, range: 0...1_000_000_000,
        help:
            "The MiB that stay free on the disk. Below that the file ends whole, and so does the run. "
            + "0 sets no limit. Without this parameter a small disk keeps a sixteenth.")
    var leastFree: Int

    enum Choice: String, CaseIterable, ParameterValue.Convertible { case auto, webm, mkv, ts, wav, mp4, jsonl }

    private var context: NodeContext!
    private var container = Container.webm
    private var series: FileSeries?
    private var tape: Tape?
    private var recording: DataRecording?
    private var join: Join<MediaItem>!

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        let inputs = [video, audio].filter(\.isConnected)
        guard !inputs.isEmpty || data.isConnected else {
            throw NodeError("nothing is recorded: neither video nor audio nor data is connected", isInputError: true)
        }
        guard !name.isEmpty else {
            throw NodeError(
                "the path is empty", advice: "Name a file ending in \(Container.endings).", isInputError: true)
        }
        guard let container = choice == .auto ? Container(path: name) : Container(rawValue: choice.rawValue) else {
            throw NodeError(
                "\"\(name)\" does not tell the kind of file",
                advice: "Let it end in \(Container.endings), or give \"format\".",
                isInputError: true)
        }
        self.container = container
        if let misfit = DataRecording.misfit(container, path: name, media: inputs, data: data) { throw misfit }
        for input in inputs {
            if let format = input.format, !container.takes(format) { throw container.refusal(format, path: name) }
        }
        let series = try FileSeries(try rules(), context)
        self.series = series
        let sink = try series.open()
        guard segment == 0 || sink.isSeekable else {
            throw NodeError(
                "\"\(name)\" is no file, and segment_s makes several of them", advice: "Leave segment_s out.",
                isInputError: true)
        }
        if case .low(let free) = try series.look(sink, now: context.now) {
            throw series.refusal(free: free, of: sink.path, whole: "")
        }
        for input in inputs {
            context.refuse(at: input) {
                container.takes($0) ? nil : "writes \(container.rawValue), which does not hold it"
            }
        }
        let grid = segment > 0 ? SegmentGrid(.seconds(segment)) : nil
        if container == .jsonl {
            recording = DataRecording(series, first: sink, grid, context)
            return
        }
        join = Join(inputs, maxWait: .milliseconds(Int64(maxWait)))
        tape = Tape(
            container, series, first: sink, grid, streams: inputs.map(RecordedStream.init),
            patience: .milliseconds(Int64(beginWait)), context)
    }

    private func rules() throws -> FileSeries.Rules {
        guard segment == 0 || segment >= 0.1 else {
            throw NodeError(
                "segment_s is \(segment)", advice: "Take at least 0.1, or 0 for one file.", isInputError: true)
        }
        guard segment > 0 || keep == 0 && keepSize == 0 else {
            throw NodeError(
                "\(keep > 0 ? "keep" : "keep_mb") says how many segments stay, and there are none",
                advice: "Give segment_s, the length of a segment.", isInputError: true)
        }
        return FileSeries.Rules(
            name: segment > 0 ? try FileName(timed: name) : FileName(name),
            ifExists: segment > 0 && ifExists == .auto ? .number : ifExists, keep: keep,
            keepBytes: Int64(keepSize) << 20, leastFree: Int64(leastFree) << 20,
            adaptsLeastFree: !$leastFree.isGiven)
    }

    public func process(now: Instant) throws {
        if recording != nil { return try recording?.write(from: data, now: now) ?? () }
        guard let tape else { return }
        defer { tape.count() }
        // A file that ends within the loop is followed by one that begins as the first did.
        while try tape.isBegun(now: now), let (input, item) = join.next(now: now, context: context) {
            try tape.write(item, from: input)
            try tape.look(now)
        }
        try tape.look(now)
    }

    public func finish(now: Instant) throws -> Bool {
        try process(now: now)
        if recording != nil { try recording?.finish() }
        try tape?.finish()
        return true
    }

    public func close() {
        series?.leave()
        tape = nil
        recording = nil
    }
}
