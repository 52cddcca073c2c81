import Geometry
import Sluice

/// Pictures of a graph to another process or a file, without headers and padding.
public final class RawVideoOutput: Node {
    public static let descriptor = NodeDescriptor(
        "raw-video-output", summary: "Writes raw video to standard output, a FIFO, a file or a Unix socket",
        work: .heavy,
        example: #""pictures": { "type": "raw-video-output", "path": "video.fifo", "on_reader_gone": "wait" }"#)

    let input = Input<VideoFrame>("in")
    @Parameter("path", help: "The output: a file, a FIFO, a Unix socket, or - for standard output.") var path: String
    @Parameter("listen", default: false, help: "Makes the Unix socket at path and waits for a reader.")
    var listens: Bool
    @Parameter("on_reader_gone", default: .fail, help: "Fails when the reader goes, or waits for the next one.")
    var onReaderGone: OnReaderGone
    @Parameter(
        "if_exists", default: .auto,
        help:
            "Replaces a file that exists, numbers the new one, or fails. "
            + "auto numbers in an instance of a template and replaces elsewhere."
    ) var ifExists: WrittenFile.Existing

    private var context: NodeContext!
    private var losses = Losses()
    private var writing: RawFrameWriter!
    private let runs = PlaneRuns()

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        if let layout = input.format?.video { tellLosses(layout) }
        writing = RawFrameWriter(
            try RawWriter(
                RawEndpoint(path: path, listens: listens), onReaderGone: onReaderGone, ifExists: ifExists, context),
            context)
    }

    public func process(now: Instant) throws {
        try writing.process(
            now: now, next: { _ in take() }, size: { PlaneRuns.byteCount($0.format.video!) },
            memory: { runs.of(unsafeDowncast($0, to: VideoFrame.self), from: $1) })
    }

    private func take() -> VideoFrame? {
        guard let frame = input.next() else { return nil }
        if input.formatChanged { tellLosses(frame.layout) }
        losses.tellFields(of: frame, "written", context)
        return frame
    }

    private func tellLosses(_ layout: VideoLayout) {
        losses.tell(layout.untold(by: "raw video", turn: false, shownIn: .square), context)
    }

    public func finish(now: Instant) throws -> Bool {
        try process(now: now)
        return try writing.finish()
    }

    public func close() { writing?.close() }
}
