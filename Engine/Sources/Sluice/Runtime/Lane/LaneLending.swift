/// A lane that has short work for a sleeping one does that work itself.
///
/// To wake a thread on an idle core takes the waker and the woken ten microseconds. That is far longer than a node
/// takes that hands a packet on, and the packet waits for it. So a lane that woke a moment ago borrows the sleeping
/// lane, runs what lies before it and gives it back. No node runs on two threads at once, and a lane's state is one
/// thread's at any time: its own's, or that of the one that has borrowed it.
///
/// The borrower rings the bell instead where the work is the other thread's business. That is so for a node whose
/// dispatches were long lately, and for a lane with heavy or blocking nodes or another priority. It is also so for a
/// borrower of light nodes that has been awake for long: it has enough to do to keep both cores busy. Work that the
/// lane of a heavy node hands on, a packet every few milliseconds, is little beside its own work; it serves others at
/// any time.
extension Lane {
    /// Nanoseconds after its sleep, or after a heavy node's dispatch, in which a lane serves others.
    private static var longestService: Int64 { 100_000 }

    private var servesUntil: Int64 {
        (needsOwnThread.load(ordering: .relaxed) ? max(wokeAt, now) : wokeAt) &+ Lane.longestService
    }

    private func mayRun(_ other: Lane) -> Bool {
        !other.needsOwnThread.load(ordering: .relaxed) && plan == other.plan
            && keepsTime.load(ordering: .relaxed) == other.keepsTime.load(ordering: .relaxed)
    }

    /// Runs the nodes that lie before `other`. False if `other` is to be roused instead.
    func serves(_ other: Lane) -> Bool {
        let end = servesUntil
        guard now < end, Int(now &+ Lane.longestService) < earliestTimer,
            mayRun(other), other.shared.borrow()
        else {
            return false
        }
        let timer = other.earliestTimer
        other.now = now
        other.takeIncoming()
        var ran = false
        while let core = other.ready.first, core.isLendable, other.now < end {
            _ = other.ready.popFirst()
            other.dispatchTimed(core)
            ran = true
        }
        other.runningNode.store(0, ordering: .relaxed)
        now = other.now
        for third in other.toRouse { rouseSoon(third) }
        other.toRouse.removeAll(keepingCapacity: true)
        if ran { other.lent.add(1) }
        // Its own thread waits for the timer that was the next one.
        switch other.shared.giveBack(hasWork: !other.ready.isEmpty || other.earliestTimer < timer) {
        case .sleepsOn: break
        case .mustRing: other.ring()
        case .isAwaited: other.letGoOn()
        }
        return true
    }
}
