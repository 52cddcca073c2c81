import LibAV
import Sluice

/// Writes packets, raw audio, or data to a file: nothing is encoded. Streams are put in the order of their decoding
/// times. Where a file cannot go on, since a format changed or a stream came late, the next one does.
public final class Record: Node {
    public static let descriptor = NodeDescriptor(
        "record", summary: "Writes packets to a webm, mkv, ts, mp4 or wav file, or data as JSON Lines", work: .blocking,
        traits: [.joins, .keeps],
        example: #""tape": { "type": "record", "path": "tape.webm" }"#)

    let video = Input<MediaItem>("video", .codedVideo, optional: true)
    let audio = Input<MediaItem>("audio", .codedAudio | .rawAudio, optional: true)
    let data = Input<DataItem>("data", .data, optional: true)

    @Parameter("path", help: "the file; a restarted node goes on in another: tape.2.webm") var name: String
    @Parameter(
        "if_exists", default: .auto,
        help:
            "for a file that is there: replace it, number the new one (tape.2.webm), or fail. "
            + "auto numbers in an instance of a template, and replaces elsewhere"
    ) var ifExists: WrittenFile.Existing
    @Parameter("format", default: Choice.auto, help: "the container; auto: by the file's ending") var choice: Choice
    @Parameter(
        "begin_wait_ms", default: 15_000, range: 0...600_000,
        help: "how long the file waits for the format of every stream before it begins without"
    ) var beginWait: Int
    @Parameter(
        "max_wait_ms", default: 2_000, range: 0...60_000,
        help: "how long a stream that is silent is waited for before the other goes on alone") var maxWait: Int

    enum Choice: String, CaseIterable, ParameterConvertible { case auto, webm, mkv, ts, wav, mp4, jsonl }

    private var context: NodeContext!
    private var container = Container.webm
    private var tape: Tape?
    private var recording: DataRecording?
    private var dataSink: FileSink?
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
        let isFirst = context.restarts == 0
        let part = context.restarts + 1
        let sink = FileSink(
            try context.openFile(name, ifExists: isFirst || ifExists != .fail ? ifExists : .number, part: part))
        for input in inputs {
            context.refuse(at: input) {
                container.takes($0) ? nil : "writes \(container.rawValue), which does not hold it"
            }
        }
        if container == .jsonl {
            recording = DataRecording(to: sink, path: sink.path)
            dataSink = sink
            return
        }
        join = Join(inputs, maxWait: .milliseconds(Int64(maxWait)))
        let ifExists = ifExists
        tape = Tape(
            container, first: sink, streams: inputs.map(RecordedStream.init), patience: .milliseconds(Int64(beginWait)),
            context
        ) { [name] number in
            FileSink(
                try context.openFile(
                    name, ifExists: ifExists == .fail ? .number : ifExists, part: part + number - 1,
                    isNews: false))
        }
    }

    public func process(now: Instant) throws {
        if recording != nil {
            defer { context.counter("bytes").set(Int(dataSink?.bytesWritten ?? 0)) }
            return try recording?.write(from: data) ?? ()
        }
        guard let tape else { return }
        defer { tape.count() }
        // A file that ends within the loop is followed by one that begins as the first did.
        while try tape.isBegun(now: now), let (input, item) = join.next(now: now, context: context) {
            try tape.write(item, from: input)
        }
    }

    public func finish(now: Instant) throws -> Bool {
        try process(now: now)
        if let recording {
            let path = dataSink?.path ?? name
            if recording.lines == 0 {
                context.log(.warning, "nothing arrived: \"\(path)\" is not written")
            } else {
                let size = FileSink.size(dataSink?.bytesWritten ?? 0)
                context.log(.info, "wrote \(path): \(recording.lines) lines, \(size)")
            }
            return true
        }
        try tape?.finish()
        return true
    }

    public func close() {
        tape = nil
        recording = nil
        dataSink = nil
    }
}
