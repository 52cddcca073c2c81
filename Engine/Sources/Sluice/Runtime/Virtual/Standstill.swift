/// Ends sources that let no time pass, where the run has a duration: virtual time would never come to its end.
///
/// Such a source sends as fast as it is called. Its media count as the time that it does not let pass: when they are
/// as long as the run is to be, and a second ahead of the clock, it is told to stop. One whose media have no length
/// is told after a million calls at one instant.
struct Standstill {
    static let mostCalls = 1_000_000
    private static let lead = Interval.seconds(1)

    private let duration: Interval?
    private var instant = Int64.min
    /// Of each source at this instant.
    private var calls: [ObjectIdentifier: Int] = [:]
    private var told: Set<ObjectIdentifier> = []

    init(_ duration: Interval?) { self.duration = duration }

    /// After each call of a node. It has told the node to stop where it returns a word on that.
    mutating func ends(_ core: NodeCore, _ run: GraphRun) -> String? {
        guard let duration, core.isSource else { return nil }
        if run.supervisor.now != instant {
            instant = run.supervisor.now
            calls.removeAll(keepingCapacity: true)
        }
        let id = ObjectIdentifier(core)
        let count = (calls[id] ?? 0) + 1
        calls[id] = count
        guard count > 1, !told.contains(id) else { return nil }
        let sent =
            core.ports.outputs.lazy.flatMap(\.edges).map {
                MediaTime(ticks: Int64($0.state.pointee.producer.pointee.pushedTicks.count)).milliseconds
            }.max() ?? 0
        let ahead = sent - Interval(nanoseconds: instant - run.startedAt).milliseconds
        let isLongEnough = sent >= duration.milliseconds && ahead >= Standstill.lead.milliseconds
        guard isLongEnough || count >= Standstill.mostCalls else { return nil }
        told.insert(id)
        core.wake(.stop)
        let time = decimal(Interval(nanoseconds: instant - run.startedAt).seconds, places: 1)
        return isLongEnough
            ? "stops: it has sent \(decimal(sent / 1_000, places: 1)) s of media and lets no time pass"
            : "stops: it was called \(count) times at \(time) s and lets no time pass"
    }
}
