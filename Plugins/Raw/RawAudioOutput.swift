import Glibc
import Sluice

/// PCM of a graph to another process or a file, without a header. It has no times, so the samples keep them: a hole is
/// silence, and what overlaps is cut. A reader that comes late begins with the present.
public final class RawAudioOutput: Node {
    public static let descriptor = NodeDescriptor(
        "raw-audio-output", summary: "Writes PCM to standard output, a FIFO, a file or a Unix socket",
        example: #""speech": { "type": "raw-audio-output", "path": "-" }"#)

    let input = Input<AudioFrame>("in")
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

    private var writing: RawFrameWriter!
    private var context: NodeContext!
    private var placed = PlacedAudio()
    private var silence: Metric.Counter!
    private var cut: Metric.Counter!
    private let run = UnsafeMutablePointer<iovec>.allocate(capacity: 1)

    public init() {}

    deinit { run.deallocate() }

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        (silence, cut) = (context.counter("silence_ms"), context.counter("cut_ms"))
        writing = RawFrameWriter(
            try RawWriter(
                RawEndpoint(path: path, listens: listens), onReaderGone: onReaderGone, ifExists: ifExists, context),
            context)
    }

    public func process(now: Instant) throws {
        try writing.process(
            now: now, next: { placed.next(isAnew: $0) { input.next() } }, size: { $0.byteCount }, memory: memory)
        silence.set(placed.silence)
        cut.set(placed.cut)
    }

    private func memory(of item: MediaItem, from position: Int) -> UnsafeBufferPointer<iovec> {
        let frame = unsafeDowncast(item, to: AudioFrame.self)
        run.initialize(
            to: iovec(iov_base: frame.buffer.bytes + position, iov_len: frame.byteCount - position))
        return UnsafeBufferPointer(start: run, count: 1)
    }

    public func finish(now: Instant) throws -> Bool {
        try process(now: now)
        guard try writing.finish(), placed.isEmpty else { return false }
        if let words = placed.words { context.log(.info, "a raw stream has no times: \(words)") }
        return true
    }

    public func close() { writing?.close() }
}
