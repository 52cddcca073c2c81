/// Makes few lines of what many instances of a template say: the first one's own, at once, and once a second how many
/// said the same. Errors are never left out.
struct EventGather: Sendable {
    /// The node in its template: `listener/pacer`.
    private struct Words: Hashable {
        let place: String
        let level: EventLog.Level
        /// Empty for lines of status, whose figures always differ: one instance speaks for all.
        let what: String
    }

    private struct Saying {
        var since: Interval
        var more = 0
    }

    private var sayings: [Words: Saying] = [:]
    /// The earliest window's beginning, so that most looks cost a comparison.
    private var oldest: Interval?

    static let window = Interval.seconds(1)
    /// Different words that are kept in mind; more than so many pass as they come.
    static let limit = 1_000

    /// Returns what is to be said now. `place` is nil where no template is the origin.
    mutating func add(_ event: EventLog.Event, place: String?) -> [EventLog.Event] {
        let due = due(at: event.time)
        guard let place, event.level != .error else { return due + [event] }
        let words = Words(place: place, level: event.level, what: event.level == .status ? "" : event.what)
        if sayings[words] != nil {
            sayings[words]?.more += 1
            return due
        }
        if sayings.count < EventGather.limit {
            sayings[words] = Saying(since: event.time)
            oldest = min(oldest ?? event.time, event.time)
        }
        return due + [event]
    }

    var sayingCount: Int { sayings.count }

    /// Windows that have ended by `now`.
    mutating func due(at now: Interval) -> [EventLog.Event] {
        guard let oldest, now - oldest >= EventGather.window else { return [] }
        return end(at: now) { now - $0.since >= EventGather.window }
    }

    /// All windows, at the end of the run.
    mutating func rest(at now: Interval) -> [EventLog.Event] {
        let events = end(at: now) { _ in true }
        sayings = [:]
        oldest = nil
        return events
    }

    private mutating func end(at now: Interval, where isOver: (Saying) -> Bool) -> [EventLog.Event] {
        var events: [EventLog.Event] = []
        for (words, saying) in sayings where isOver(saying) {
            let counts = saying.more > 0 && words.level != .status
            // As long as others say it too, one line a second tells how many.
            sayings[words] = counts ? Saying(since: now) : nil
            guard counts else { continue }
            events.append(
                EventLog.Event(
                    time: min(now, saying.since + EventGather.window), level: words.level, node: words.place,
                    what: counted(words.what, saying.more)))
        }
        oldest = sayings.values.lazy.map(\.since).min()
        return events.sorted { ($0.time, $0.node, $0.what) < ($1.time, $1.node, $1.what) }
    }

    /// The number stands behind the sentence, before its advice.
    private func counted(_ what: String, _ more: Int) -> String {
        let lines = what.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
        return "\(lines[0]) (\(more) more)" + (lines.count > 1 ? "\n" + lines[1] : "")
    }
}
