/// A lane that has short work for a sleeping one does that work itself.
///
/// To wake a thread on an idle core takes the waker and the woken ten microseconds. That is far longer than a node
/// takes that hands a packet on, and the packet waits for it. So a lane that woke a moment ago borrows the sleeping
/// lane, runs what lies before it and gives it back. No node runs on two threads at once, and a lane's state is one
/// thread's at any time: its own's, or that of the one that has borrowed it.
///
/// Large items are a reason of their own: what one core has just written, another one fetches at some 25 GB/s, and the
/// memory that it frees comes back as slowly. A picture of 1.4 MB is turned in less time than that takes.
///
/// The borrower rings the bell instead where the work is the other thread's business. That is so for a node whose
/// dispatches were long lately, and for a lane with blocking nodes or another priority. It is also so for a borrower of
/// light nodes that has been awake for long: it has enough to do to keep both cores busy. Work that the lane of a heavy
/// node hands on, a packet every few milliseconds, is little beside its own work; it serves others at any time. Heavy
/// nodes are served by a lane that has some itself, and only where their items are large and their work is short.
extension Lane {
    /// Nanoseconds after its sleep, or after a heavy node's dispatch, in which a lane serves others.
    private static var longestService: Int64 { 100_000 }
    /// Nanoseconds in which it serves a heavy one: it takes what lies on an edge, and nothing comes there meanwhile.
    private static var longestHeavyService: Int64 { 500_000 }

    private func serviceEnd(_ other: Lane) -> Int64 {
        guard needsOwnThread.load(ordering: .relaxed) else { return wokeAt &+ Lane.longestService }
        let isHeavy = other.needsOwnThread.load(ordering: .relaxed)
        return max(wokeAt, now) &+ (isHeavy ? Lane.longestHeavyService : Lane.longestService)
    }

    private func mayRun(_ other: Lane) -> Bool {
        !other.blocks.load(ordering: .relaxed) && plan == other.plan
            && (needsOwnThread.load(ordering: .relaxed) || !other.needsOwnThread.load(ordering: .relaxed))
            && keepsTime.load(ordering: .relaxed) == other.keepsTime.load(ordering: .relaxed)
    }

    /// Runs the nodes that lie before `other`. False if `other` is to be roused instead.
    func serves(_ other: Lane) -> Bool {
        let end = serviceEnd(other)
        guard now < end, Int(max(end, now &+ Lane.longestService)) < earliestTimer, mayRun(other), other.shared.borrow()
        else {
            return false
        }
        let timer = other.earliestTimer
        other.now = now
        other.takeIncoming()
        var ran = false
        other.isLent = true
        let isHeavy = other.needsOwnThread.load(ordering: .relaxed)
        while let core = other.ready.first, isHeavy ? core.isForItsProducer : core.isLendable, other.now < end {
            _ = other.ready.popFirst()
            other.dispatchTimed(core)
            ran = true
        }
        other.isLent = false
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
