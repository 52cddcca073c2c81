import Sluice

/// Sends the items that a test pushes, in order and as its edge has room, unchanged.
public final class TestSource: Node {
    public static let descriptor = NodeDescriptor("test-source", summary: "Sends what a test pushes")

    let output = Output<MediaItem>("out", optional: true)
    private var waiting: [MediaItem] = []
    private var next = 0
    private var context: NodeContext?

    /// The format that each source's output announces before media come, by the node's name; a service of the run.
    struct Announcements: Sendable { var formats: [String: MediaFormat] }

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        let announced = try context.service(Announcements.self)
        if let format = announced?.formats[context.name] { output.fix(format) }
    }

    /// Appends items; they go out when the run is driven next. On the thread that drives the run.
    public func push(_ items: some Sequence<MediaItem>) {
        waiting += Array(items)
        context?.handle.post()
    }

    /// Appends one item; it goes out when the run is driven next.
    public func push(_ item: MediaItem) { push(CollectionOfOne(item)) }

    /// No item follows those pushed.
    public func end() {
        isEnding = true
        context?.handle.post()
    }

    private var isEnding = false

    /// Items pushed but not yet sent.
    public var waitingCount: Int { waiting.count - next }
    /// The session's present epoch: what a real source would stamp.
    public var epoch: UInt32 { context?.epoch ?? 0 }

    public func process(now: Instant) {
        send()
        if isEnding && waitingCount == 0 { context?.finish() }
    }

    public func finish(now: Instant) -> Bool {
        send()
        return waitingCount == 0
    }

    private func send() {
        while output.hasRoom, next < waiting.count {
            output.send(waiting[next])
            next += 1
        }
        if next == waiting.count {
            waiting.removeAll(keepingCapacity: true)
            next = 0
        }
    }
}
