import Synchronization

/// The events of a run, bounded: the newest ones, errors apart so that nothing else can push them out. The report shows
/// them; who runs the graph is told of each as it happens.
public final class EventLog: Sendable {
    /// One line of what happened.
    public struct Event: Sendable, Equatable {
        /// Since the start of the run.
        public let time: Interval
        /// How much it matters.
        public let level: Level
        /// Empty for the run itself.
        public let node: String
        /// One sentence, as the terminal shows it.
        public let what: String
    }

    /// `status`: figures that come again and again. They are told and not kept: what is to be kept is a metric.
    public enum Level: String, Sendable { case status, info, warning, error }

    /// Events kept of either sort.
    public static let capacity = 2_000
    static let errorCapacity = 1_000

    private struct State: Sendable {
        var gather = EventGather()
        var count = 0
        var lost = 0
        var errors: Newest<(Int, Event)>
        var others: Newest<(Int, Event)>

        mutating func keep(_ event: Event) {
            guard event.level != .status else { return }
            count += 1
            let gone = event.level == .error ? errors.add((count, event)) : others.add((count, event))
            if gone != nil { lost += 1 }
        }
    }

    private let state: Mutex<State>
    private let observer: (@Sendable (Event) -> Void)?

    init(
        capacity: Int = EventLog.capacity, errorCapacity: Int = EventLog.errorCapacity,
        observer: (@Sendable (Event) -> Void)?
    ) {
        state = Mutex(State(errors: Newest(capacity: errorCapacity), others: Newest(capacity: capacity)))
        self.observer = observer
    }

    /// From any thread. `place` is the node in its template (`listener/pacer`) where an instance of one says it: what
    /// many of them say becomes one line.
    func add(_ event: Event, place: String? = nil) { tell { $0.add(event, place: place) } }

    /// Now and then, so that what was gathered is told in time.
    func turn(_ now: Interval) { tell { $0.due(at: now) } }

    /// At the end of the run.
    func flush(_ now: Interval) { tell { $0.rest(at: now) } }

    private func tell(_ change: (inout EventGather) -> [Event]) {
        let events = state.withLock { state in
            let events = change(&state.gather)
            for event in events { state.keep(event) }
            return events
        }
        if let observer { for event in events { observer(event) } }
    }

    /// For the report alone: the one who runs the graph is told in another way.
    func keep(_ event: Event) { state.withLock { $0.keep(event) } }

    /// Those that are kept, in the order in which they came.
    public var events: [Event] {
        let (errors, others) = state.withLock { ($0.errors.all, $0.others.all) }
        return (errors + others).sorted { $0.0 < $1.0 }.map(\.1)
    }

    /// Events that had to go for newer ones.
    public var lost: Int { state.withLock { $0.lost } }
}
