import Sluice

/// Keeps what it receives for a test to look at.
public final class TestSink: Node {
    public static let descriptor = NodeDescriptor("test-sink", summary: "Keeps what it receives for a test")

    let input = Input<MediaItem>("in")
    private var handle: NodeContext.Handle?

    public init() {}

    public func prepare(_ context: NodeContext) { handle = context.handle }

    /// Everything received and not yet taken, with the graph's time at which it came.
    public private(set) var received: [(item: MediaItem, at: Instant)] = []
    /// Formats in the order in which they came, as `formatChanged` told.
    public private(set) var formats: [MediaFormat] = []
    /// The format that the producer announced before media came, then the last item's.
    public var format: MediaFormat? { input.format }
    /// All items were taken and no more come; also true while unconnected.
    public var isEnded: Bool { input.isEnded }

    /// How many more items it takes before it leaves them on its edge; nil takes all. On the thread that drives the
    /// run.
    public var appetite: Int? { didSet { handle?.post() } }

    /// Takes the oldest received item away.
    public func take() -> MediaItem? { received.isEmpty ? nil : received.removeFirst().item }
    /// Takes all received items away, the oldest first.
    public func takeAll() -> [MediaItem] {
        defer { received = [] }
        return received.map(\.item)
    }

    public func process(now: Instant) {
        while appetite != 0, let item = input.next() {
            appetite = appetite.map { $0 - 1 }
            if input.formatChanged { formats.append(item.format) }
            received.append((item, now))
        }
    }
}
