import Sluice

/// Writes a line for each item that it takes, to look at when they came and of which epoch they are.
public final class BenchLog: Node {
    public static let descriptor = NodeDescriptor(
        "bench-log", summary: "Writes the time of arrival, media time and epoch of each item to a file",
        work: .blocking, example: #""log": { "type": "bench-log", "path": "packets.csv" }"#)

    let input = Input<MediaItem>("in")
    @Parameter("path", help: "The file that is written: time on CLOCK_MONOTONIC in s, pts in ms, epoch, bytes.")
    var path: String
    @Parameter(
        "every_ms", default: 0, range: 0...1_000,
        help: "The least time between two items that it takes, in ms. It plays a slow reader.")
    var every: Double

    private var file: BenchFile?
    private var context: NodeContext!
    private var free = Instant(nanoseconds: 0)

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        file = try BenchFile(path, context)
    }

    public func process(now: Instant) throws {
        guard now >= free else { return context.wake(at: free) }
        while let item = input.next() {
            let header = item.header
            let line =
                "\(decimal(Double(now.nanoseconds) / 1e9, places: 6)),\(decimal(header.pts.milliseconds, places: 3)),"
                + "\(header.epoch),\(item.byteCount)\n"
            try file?.write(line.utf8)
            if every > 0 {
                free = now + .seconds(every / 1_000)
                return context.wake(at: free)
            }
        }
    }

    public func finish(now: Instant) throws -> Bool {
        try process(now: now)
        guard input.isEnded else { return false }
        try file?.finish()
        return true
    }

    public func close() {
        // After an error somewhere else, what came before it is of use.
        try? file?.finish()
        file = nil
    }
}
