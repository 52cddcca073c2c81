/// Runs every lane on the calling thread in document order, and lets time jump to the next timer when nothing is ready.
/// Same input, same output, to the byte.
///
/// A source that sends as fast as it can without an end keeps time standing: see `Standstill`.
struct VirtualRunner {
    private let run: GraphRun
    /// As they were when the present round began; they come and go in the supervisor's turns alone.
    private var lanes: [Lane] = []
    private var version = -1
    // Where the present round over the lanes stands.
    private var laneIndex = Int.max
    private var leftOnLane = 0
    private var isBusy = true
    private var standstill: Standstill

    init(_ run: GraphRun) {
        self.run = run
        standstill = Standstill(run.options.duration)
    }

    mutating func runToEnd() {
        while !run.isFinished {
            while dispatchNext() != nil {}
            if run.isFinished { return }
            guard step() else {
                run.giveUp()
                return
            }
        }
    }

    /// Everything that can happen at the present time.
    mutating func settle() { while dispatchNext() != nil {} }

    /// The next dispatch of a node at the present time; nil when there is none, or the run is over. In a round each
    /// lane dispatches every node that was ready when its turn came, once.
    mutating func dispatchNext() -> NodeCore? {
        while !run.isFinished {
            if leftOnLane > 0 {
                leftOnLane -= 1
                if let core = lanes[laneIndex].dispatchFirst() {
                    isBusy = true
                    if let word = standstill.ends(core, run) { run.log(.info, node: core.name, word) }
                    return core
                }
            }
            if laneIndex < lanes.count - 1 {
                laneIndex += 1
            } else {
                if run.supervisor.turn() { isBusy = true }
                guard isBusy, !run.isFinished else {
                    (laneIndex, leftOnLane, isBusy) = (.max, 0, true)
                    return nil
                }
                refresh()
                isBusy = false
                laneIndex = 0
            }
            guard laneIndex < lanes.count else { continue }
            lanes[laneIndex].collect()
            leftOnLane = lanes[laneIndex].readyCount
        }
        return nil
    }

    private mutating func refresh() {
        guard run.laneRoster.version != version else { return }
        version = run.laneRoster.version
        lanes = run.lanes
    }

    /// When something is going to happen next; nil if no timer is armed.
    var nextTimer: Int64? {
        var next = run.supervisor.earliestTimer
        for lane in lanes { next = min(next, Int64(lane.earliestTimer)) }
        return next == .max ? nil : next
    }

    /// Jumps to the next timer; false if none is armed.
    func step() -> Bool {
        guard let nextTimer else { return false }
        jump(to: nextTimer)
        return true
    }

    func jump(to next: Int64) {
        run.supervisor.now = max(next, run.supervisor.now)
        for lane in lanes { lane.now = run.supervisor.now }
    }
}
