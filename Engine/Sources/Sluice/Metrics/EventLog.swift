import Synchronization

/// What happened, in order, bounded: the report's `events`, and lines for whoever runs the graph.
public final class EventLog: Sendable {
    public struct Event: Sendable {
        /// Since the start of the run.
        public let time: Interval
        public let level: Level
        /// Empty for the run itself.
        public let node: String
        public let what: String
    }

    public enum Level: String, Sendable { case info, warning, error }

    /// Events kept; later ones are counted and dropped.
    public static let capacity = 10_000

    private let state = Mutex<(events: [Event], lost: Int)>(([], 0))
    private let observer: (@Sendable (Event) -> Void)?

    init(observer: (@Sendable (Event) -> Void)?) { self.observer = observer }

    func add(_ event: Event) {
        keep(event)
        observer?(event)
    }

    /// For the report alone: whoever runs the graph is told in another way.
    func keep(_ event: Event) {
        state.withLock { state in
            if state.events.count < EventLog.capacity { state.events.append(event) } else { state.lost += 1 }
        }
    }

    public var events: [Event] { state.withLock { $0.events } }
    public var lost: Int { state.withLock { $0.lost } }
}
