import Glibc
@_spi(Host) @_spi(Testing) import Sluice
import Testing

/// The findings of a wait are delivered only to the node that still watches it: between the two another lane may have
/// run this one's nodes.
@Suite struct PollerTests {
    final class Waiter: DescriptorWaiter {
        var calls = 0
        func descriptorIsReady() { calls += 1 }
    }

    /// A pipe with a byte in it: its reading end is ready.
    private func readyPipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        try #require(write(ends[1], "x", 1) == 1)
        return (ends[0], ends[1])
    }

    private func shut(_ pipe: (read: Int32, write: Int32)) {
        close(pipe.read)
        close(pipe.write)
    }

    @Test func aDescriptorThatIsReadyWakesItsNode() throws {
        let (poller, pipe, waiter) = (try Poller(), try readyPipe(), Waiter())
        defer { shut(pipe) }
        try poller.watch(pipe.read, 1, for: waiter)
        poller.wait(0)
        poller.deliver()
        poller.wait(0)
        poller.deliver()
        #expect(waiter.calls == 2)
    }

    @Test func aNodeThatEndedAfterTheWaitIsNotTouched() throws {
        let (poller, pipe) = (try Poller(), try readyPipe())
        defer { shut(pipe) }
        var waiter: Waiter? = Waiter()
        weak let gone = waiter
        try poller.watch(pipe.read, 1, for: waiter!)
        poller.wait(0)
        poller.unwatch(pipe.read)
        waiter = nil
        #expect(gone == nil)
        poller.deliver()
    }

    @Test func whoGotThePlaceOfAnotherAfterTheWaitIsNotWokenForIt() throws {
        let (poller, old, new) = (try Poller(), try readyPipe(), try readyPipe())
        defer {
            shut(old)
            shut(new)
        }
        let (first, second) = (Waiter(), Waiter())
        try poller.watch(old.read, 1, for: first)
        poller.wait(0)
        poller.unwatch(old.read)
        // Its own is not found yet: it is watched after the wait.
        try poller.watch(new.read, 1, for: second)
        poller.deliver()
        #expect(first.calls == 0 && second.calls == 0)
        poller.wait(0)
        poller.deliver()
        #expect(first.calls == 0 && second.calls == 1)
    }

    @Test func theBellAndManyDescriptorsAreToldApart() throws {
        let poller = try Poller()
        let pipes = try (0..<40).map { _ in try readyPipe() }
        defer { for pipe in pipes { shut(pipe) } }
        let waiters = pipes.map { _ in Waiter() }
        for (pipe, waiter) in zip(pipes, waiters) { try poller.watch(pipe.read, 1, for: waiter) }
        poller.signal()
        for pipe in pipes[..<20] { poller.unwatch(pipe.read) }
        poller.wait(0)
        poller.deliver()
        #expect(waiters[..<20].allSatisfy { $0.calls == 0 } && waiters[20...].allSatisfy { $0.calls == 1 })
        for pipe in pipes[20...] { poller.unwatch(pipe.read) }
        #expect(!poller.hasDescriptors)
    }

    @Test func aDescriptorThatTheKernelRefusesLeavesNothingBehind() throws {
        let (poller, waiter) = (try Poller(), Waiter())
        #expect(throws: NodeError.self) { try poller.watch(-1, 1, for: waiter) }
        #expect(!poller.hasDescriptors)
    }
}
