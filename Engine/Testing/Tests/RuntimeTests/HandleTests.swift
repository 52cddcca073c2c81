import Glibc
@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import Synchronization
import Testing

/// How threads that are not the engine's reach a node: its handle and its inboxes.
@Suite struct HandleTests {
    struct Call: Sendable {
        let name: String
        let token: Token?
    }

    /// Tells when it is let go of.
    final class Token: Sendable {
        let onEnd: @Sendable () -> Void
        init(_ onEnd: @escaping @Sendable () -> Void) { self.onEnd = onEnd }
        deinit { onEnd() }
    }

    final class Desk: Node {
        static let descriptor = NodeDescriptor("desk", summary: "Takes calls")
        let input = Input<MediaItem>("in", optional: true)
        var inbox: NodeContext.Inbox<Call>?
        var handle: NodeContext.Handle?
        var context: NodeContext?
        var names: [String] = []
        var wakes: [WakeReasons] = []
        var takes = true
        @Parameter("fails", default: false, help: "throws at the first call") var fails: Bool
        func prepare(_ context: NodeContext) {
            self.context = context
            inbox = context.inbox(of: Call.self, capacity: 4)
            handle = context.handle
        }
        func process(now: Instant) throws {
            if let context { wakes.append(context.reasons) }
            while takes, let call = inbox?.next() {
                names.append(call.name)
                if fails { throw NodeError("a call came") }
            }
            while input.next() != nil {}
        }
    }

    @Test func aMessageWakesItsNodeAndArrivesInOrder() throws {
        let harness = try NodeHarness(Desk.self)
        harness.settle()
        let inbox = try #require(harness.node.inbox)
        for name in ["a", "b", "c"] { #expect(inbox.post(Call(name: name, token: nil))) }
        harness.settle()
        #expect(harness.node.names == ["a", "b", "c"])
        #expect(harness.node.wakes.last == .post)
        harness.node.handle?.post()
        #expect(harness.step() == .post)
    }

    @Test func aFullInboxRefusesAndCountsAndKeepsWhatItHas() throws {
        let harness = try NodeHarness(Desk.self)
        harness.node.takes = false
        harness.settle()
        let inbox = try #require(harness.node.inbox)
        #expect(inbox.capacity == 4)
        let taken = (0..<7).map { inbox.post(Call(name: "\($0)", token: nil)) }
        #expect(taken == [true, true, true, true, false, false, false])
        #expect(inbox.lost == 3)
        harness.node.takes = true
        harness.settle()
        #expect(harness.node.names == ["0", "1", "2", "3"])
        #expect(harness.context.counter("inbox_lost").count == 3)
        #expect(inbox.post(Call(name: "again", token: nil)))
    }

    /// A message that nobody takes is let go of with the inbox.
    @Test func messagesThatNobodyTakesAreReleased() throws {
        let released = Atomic<Int>(0)
        try withoutActuallyEscaping({ _ = released.wrappingAdd(1, ordering: .relaxed) } as @Sendable () -> Void) {
            end in
            let harness = try NodeHarness(Desk.self)
            harness.node.takes = false
            harness.settle()
            for _ in 0..<6 { harness.node.inbox?.post(Call(name: "x", token: Token(end))) }
            harness.node.inbox = nil
        }
        #expect(released.load(ordering: .relaxed) == 6)
    }

    @Test func manyThreadsPostAndEachMessageArrivesOnceOrIsCounted() throws {
        let harness = try NodeHarness(Desk.self)
        harness.settle()
        let inbox = try #require(harness.node.inbox)
        let node = harness.node
        let group = (0..<4).map { number in
            Poster { for turn in 0..<500 { inbox.post(Call(name: "\(number)/\(turn)", token: nil)) } }
        }
        while group.contains(where: { !$0.isDone }) { harness.settle() }
        for poster in group { poster.join() }
        harness.settle()
        #expect(node.names.count + inbox.lost == 2_000)
        #expect(Set(node.names).count == node.names.count)
        for number in 0..<4 {
            let turns = node.names.filter { $0.hasPrefix("\(number)/") }.compactMap { Int($0.dropFirst(2)) }
            #expect(turns == turns.sorted())
        }
    }

    @Test func aHandleIsHarmlessAfterItsNodeAndAfterItsRun() throws {
        var harness: NodeHarness<Desk>? = try NodeHarness(Desk.self)
        harness?.settle()
        let (handle, inbox) = (try #require(harness?.node.handle), try #require(harness?.node.inbox))
        let context = try #require(harness?.node.context)
        #expect(!handle.isOver && handle.raiseEpoch() && harness?.epoch == 2)
        #expect(harness?.finish() == .finished)
        #expect(handle.isOver && !handle.raiseEpoch())
        handle.post()
        inbox.post(Call(name: "late", token: nil))
        handle.log(.info, "after its end")
        #expect(harness?.events.last?.what == "after its end")
        harness = nil
        handle.post()
        handle.log(.info, "after the run")
        inbox.post(Call(name: "later", token: nil))
        #expect(!handle.raiseEpoch())
        // The context is not for this, and yet no trap.
        context.log(.info, "after the run")
        #expect(!context.raiseEpoch())
    }

    @Test func aRestartedNodeHasAnotherHandle() throws {
        let harness = try NodeHarness(Desk.self, parameters: ["fails": true], restarts: true)
        harness.settle()
        let (old, first) = (try #require(harness.node.handle), ObjectIdentifier(harness.node))
        harness.node.inbox?.post(Call(name: "x", token: nil))
        harness.advance(by: .seconds(1))
        #expect(ObjectIdentifier(harness.node) != first && harness.state == "running")
        #expect(old.isOver && !old.raiseEpoch())
        #expect(harness.node.handle?.isOver == false && harness.node.handle?.raiseEpoch() == true)
    }
}

/// A thread of the test's own.
private final class Poster: @unchecked Sendable {
    private var thread = pthread_t()
    private let body: @Sendable () -> Void
    private let done = Atomic<Bool>(false)
    var isDone: Bool { done.load(ordering: .acquiring) }

    init(_ body: @escaping @Sendable () -> Void) {
        self.body = body
        let code = pthread_create(
            &thread, nil,
            { argument in
                if let argument {
                    let poster = Unmanaged<Poster>.fromOpaque(argument).takeRetainedValue()
                    poster.body()
                    poster.done.store(true, ordering: .releasing)
                }
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        precondition(code == 0, "no thread for the test")
    }

    func join() { pthread_join(thread, nil) }
}
