/// Runs every lane on the calling thread in document order, and lets time jump to the next timer when nothing is ready.
/// Same input, same output, to the byte.
struct VirtualRunner {
    private let run: GraphRun

    init(_ run: GraphRun) { self.run = run }

    func runToEnd() {
        while !run.isFinished {
            settle()
            if run.isFinished { return }
            guard step() else {
                run.giveUp()
                return
            }
        }
    }

    /// Everything that can happen at the present time.
    func settle() {
        var isBusy = true
        while isBusy && !run.isFinished {
            isBusy = run.supervisor.turn()
            for lane in run.lanes {
                lane.collect()
                if lane.dispatchReady() { isBusy = true }
            }
        }
    }

    /// Jumps to the next timer; false if none is armed.
    func step() -> Bool {
        let next = min(run.supervisor.earliestTimer, run.lanes.map { Int64($0.earliestTimer) }.min() ?? .max)
        guard next != .max else { return false }
        jump(to: next)
        return true
    }

    func jump(to next: Int64) {
        run.supervisor.now = max(next, run.supervisor.now)
        for lane in run.lanes { lane.now = run.supervisor.now }
    }
}
