import SluiceTesting
import Testing

@testable import Sluice

/// Every interleaving of the engine's `LaneSharedState` and `PendingReasons`: wakes from other threads against a lane
/// that falls asleep.
extension RingTests {
    final class LaneModel {
        let shared = LaneSharedState<ExplorerWord>()
        let bell = ExplorerWord(0)
        /// The semaphore by which a borrower lets the lane go on.
        let returned = ExplorerWord(0)
        /// Nodes 1 and 2, with their links on the stack.
        let pending = [PendingBox(), PendingBox()]
        let explorer: Explorer
        var below = [0, 0]
        var seen: [WakeReasons] = [[], []]
        var rings = 0
        /// How often the lane said that it is asleep.
        var tries = 0
        var fallsAsleepBlindly = false
        /// A sleep that a timer ends.
        var timers = 0
        var isBorrowed = false
        /// Does not wait for the borrower.
        var takesBackBlindly = false

        final class PendingBox { let reasons = PendingReasons<ExplorerWord>() }

        init(_ explorer: Explorer) { self.explorer = explorer }

        /// `NodeCore.wake`
        func wake(_ node: Int, _ reason: WakeReasons) {
            wakeAsleep(node, reason)
            rouse()
        }

        /// `NodeCore.wakeAsleep`
        func wakeAsleep(_ node: Int, _ reason: WakeReasons) {
            if pending[node - 1].reasons.add(reason) { shared.push(node, link: { below[node - 1] = $0 }) }
        }

        /// `Lane.rouseForIncoming`
        func rouse() { if shared.mustRingForIncoming() { ring() } }

        /// `Poller.signal`
        func ring() {
            rings += 1
            bell.storeSequential(1)
        }

        /// `Lane.run`, until `isDone` says so.
        func run(until isDone: () -> Bool, message: () -> Void = {}) {
            while true {
                if shared.takeMessages() { message() }
                let took = takeIncoming()
                if isDone() { return }
                guard !took else { continue }
                tries += 1
                guard shared.fallAsleep() || fallsAsleepBlindly else { continue }
                if timers > 0 {
                    timers -= 1
                } else {
                    bell.awaitNonzero()
                    _ = bell.exchange(0)
                }
                if !shared.wakeUp() && !takesBackBlindly {
                    returned.awaitNonzero()
                    _ = returned.exchange(0)
                }
                explorer.check(!isBorrowed, "the lane runs while it is lent")
            }
        }

        private func takeIncoming() -> Bool {
            var node = shared.takeIncoming()
            var taken: Set<Int> = []
            while node != 0 {
                explorer.check(taken.insert(node).inserted, "node \(node) stands on the stack twice")
                let next = below[node - 1]
                seen[node - 1].formUnion(pending[node - 1].reasons.take())
                node = next
            }
            return !taken.isEmpty
        }

        /// `Lane.rouseSoon` and `Lane.serves`, of another lane that has put nodes before this one.
        func serve(leavesWork: Bool = false) {
            guard shared.isAsleepWithIncoming else { return }
            guard shared.borrow() else { return rouse() }
            isBorrowed = true
            _ = takeIncoming()
            isBorrowed = false
            switch shared.giveBack(hasWork: leavesWork) {
            case .sleepsOn: break
            case .mustRing: ring()
            case .isAwaited: returned.storeSequential(1)
            }
        }
    }

    @Test(arguments: [false, true])
    func noReasonIsLostAndTheBellRingsOnceForEachSleep(isFlawed: Bool) {
        RingTests.prove("two wakers, two nodes", isFlawed ? .noLookAgain : .none) { explorer in
            let lane = LaneModel(explorer)
            lane.fallsAsleepBlindly = isFlawed
            explorer.thread("lane") { lane.run(until: { lane.seen == [[.input, .room], [.post]] }) }
            explorer.thread("one") {
                // As a dispatch does that sends to two edges: both wake, and the lane is roused at the end.
                lane.wakeAsleep(1, .input)
                lane.wakeAsleep(2, .post)
                lane.rouse()
            }
            explorer.thread("two") { lane.wake(1, .room) }
            explorer.finally {
                explorer.check(
                    lane.rings <= lane.tries, "\(lane.rings) rings for \(lane.tries) times of falling asleep")
            }
        }
    }

    @Test func aMessageReachesALaneThatFallsAsleep() {
        RingTests.prove("message and wake") { explorer in
            let lane = LaneModel(explorer)
            let posted = EdgeModel(explorer, capacity: 1)
            var got = false
            explorer.thread("lane") {
                lane.run(until: { got && lane.seen[0] == .input }, message: { got = posted.epoch.load() == 2 })
            }
            explorer.thread("supervisor") {
                posted.epoch.store(2)
                if lane.shared.noteMessage() { lane.ring() }
            }
            explorer.thread("waker") { lane.wake(1, .input) }
        }
    }

    /// The lane goes on for ever, so what it must find lies behind a message that comes last.
    @Test(arguments: [0, 1], [false, true])
    func aLentLaneIsOneThreadsAndLosesNothing(timers: Int, leavesWork: Bool) {
        RingTests.prove("a borrower, a waker, \(timers) timers, work left: \(leavesWork)") { explorer in
            let lane = LaneModel(explorer)
            lane.timers = timers
            explorer.thread("lane") { lane.run(until: { lane.seen == [.input, .room] }) }
            explorer.thread("borrower") {
                lane.wakeAsleep(1, .input)
                lane.serve(leavesWork: leavesWork)
                // As a lane does that must not leave the last nodes to a sleeping lane: the test's own end.
                if lane.seen == [.input, .room], lane.shared.noteMessage() { lane.ring() }
            }
            explorer.thread("waker") { lane.wake(2, .room) }
        }
    }

    @Test func aLaneThatDoesNotWaitForItsBorrowerIsFound() {
        RingTests.prove("a borrower that is not waited for", .noWaitForBorrower) { explorer in
            let lane = LaneModel(explorer)
            lane.timers = 1
            lane.takesBackBlindly = true
            explorer.thread("lane") { lane.run(until: { lane.seen == [.input, .room] }) }
            explorer.thread("borrower") {
                lane.wakeAsleep(1, .input)
                lane.serve()
                if lane.seen == [.input, .room], lane.shared.noteMessage() { lane.ring() }
            }
            explorer.thread("waker") { lane.wake(2, .room) }
        }
    }
}
