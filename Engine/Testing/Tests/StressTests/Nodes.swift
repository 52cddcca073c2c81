import Glibc
@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import Synchronization

/// Sends numbered packets as fast as there is room.
final class Flood: Node {
    static let descriptor = NodeDescriptor("flood", summary: "Sends numbered packets")
    let output = Output<Packet>("out")
    @Parameter("count", default: 20_000, help: "packets; 0 goes on until the graph stops") var count: Int
    @Parameter("video", default: false, help: "packets that depend on each other") var video: Bool
    let keyframe = RequestInput("keyframe", help: "asks for a keyframe")
    var context: NodeContext?
    var sent = 0
    var format = TestMedia.codedAudio()

    func prepare(_ context: NodeContext) {
        self.context = context
        if video { format = TestMedia.codedVideo() }
        output.fix(format)
    }

    func process(now: Instant) {
        let asked = keyframe.take()
        var isFirst = true
        while output.hasRoom, count == 0 || sent < count {
            let packet = Packet(format: format, count: 4)
            packet.mutableBytes.storeBytes(of: UInt32(truncatingIfNeeded: sent), as: UInt32.self)
            packet.header.pts = .milliseconds(Int64(sent))
            packet.header.dts = packet.header.pts
            packet.header.duration = .milliseconds(1)
            packet.header.epoch = context!.epoch
            if !video || sent % 50 == 0 || asked && isFirst { packet.header.flags = .keyframe }
            isFirst = false
            sent += 1
            output.send(packet)
        }
        if count > 0 && sent == count { context?.finish() } else if count == 0 { context?.wakeAgain() }
    }
}

/// Sends sixteen numbered packets every 2 ms, so that the lanes behind it sleep in between.
final class Tick: Node {
    static let descriptor = NodeDescriptor("tick", summary: "Sends a few packets now and then")
    let output = Output<Packet>("out")
    @Parameter("count", default: 3_200, help: "packets") var count: Int
    var context: NodeContext?
    var sent = 0

    func prepare(_ context: NodeContext) {
        self.context = context
        output.fix(TestMedia.codedAudio())
    }

    func process(now: Instant) {
        for _ in 0..<16 where output.hasRoom && sent < count {
            let packet = Packet(format: TestMedia.codedAudio(), count: 4)
            packet.mutableBytes.storeBytes(of: UInt32(truncatingIfNeeded: sent), as: UInt32.self)
            packet.header.pts = .milliseconds(Int64(sent))
            packet.header.dts = packet.header.pts
            packet.header.duration = .milliseconds(1)
            sent += 1
            output.send(packet)
        }
        if sent == count || context?.isStopping == true {
            context?.finish()
        } else {
            context?.wake(at: now + .microseconds(2_000))
        }
    }
}

/// Hands on what it gets.
final class Forward: Node {
    static let descriptor = NodeDescriptor("forward", summary: "Hands packets on")
    let input = Input<Packet>("in")
    let output = Output<Packet>("out", follows: "in")
    func process(now: Instant) { while let packet = input.next() { output.send(packet) } }
}

/// Hands on what it gets after 300 µs of work each.
final class Toil: Node {
    static let descriptor = NodeDescriptor("toil", summary: "Hands packets on slowly", work: .heavy)
    let input = Input<Packet>("in")
    let output = Output<Packet>("out", follows: "in")
    func process(now: Instant) {
        while let packet = input.next() {
            let end = ContinuousClock.now + .microseconds(300)
            while ContinuousClock.now < end {}
            output.send(packet)
        }
    }
}

/// Sends numbered packets of 1 MiB.
final class Load: Node {
    static let descriptor = NodeDescriptor("load", summary: "Sends large packets", work: .heavy)
    let output = Output<Packet>("out")
    @Parameter("count", default: 400, help: "packets") var count: Int
    private var context: NodeContext!
    private var pool = Pool<Packet>()
    private var sent = 0
    private let format = TestMedia.codedAudio()

    func prepare(_ context: NodeContext) {
        self.context = context
        output.fix(format)
    }

    func process(now: Instant) {
        while output.hasRoom, sent < count {
            let packet = pool.take(format, count: 1 << 20)
            memset(packet.mutableBytes.baseAddress!, 1, packet.count)
            packet.mutableBytes.storeBytes(of: UInt32(truncatingIfNeeded: sent), as: UInt32.self)
            packet.header.pts = .milliseconds(Int64(sent))
            packet.header.dts = packet.header.pts
            packet.header.duration = .milliseconds(1)
            packet.header.epoch = context.epoch
            packet.header.flags = .keyframe
            sent += 1
            output.send(packet)
        }
        if sent == count { context.finish() }
    }
}

/// Looks at a part of each packet that takes about 10 microseconds, and hands it on.
final class Glance: Node {
    static let descriptor = NodeDescriptor("glance", summary: "Reads a part of packets", work: .heavy)
    let input = Input<Packet>("in")
    let output = Output<Packet>("out", follows: "in")
    func process(now: Instant) {
        while let packet = input.next() {
            let part = UnsafeRawBufferPointer(rebasing: packet.bytes.suffix(packet.count / 4))
            let found = memchr(part.baseAddress!, 2, part.count)
            if found == nil { output.send(packet) }
        }
    }
}

/// Checks that numbers rise, and that nothing follows a gap but a keyframe.
final class Check: Node {
    static let descriptor = NodeDescriptor("check", summary: "Checks what it gets")
    let input = Input<Packet>("in")
    @Parameter("limit", default: 0, help: "finishes after so many; 0 takes all") var limit: Int
    var context: NodeContext?
    var last = -1
    var taken = 0
    func prepare(_ context: NodeContext) { self.context = context }
    func process(now: Instant) throws {
        while let packet = input.next() {
            let number = TestMedia.number(of: packet)
            guard number > last else { throw NodeError("\(number) after \(last)") }
            if packet.format.kind.hasDependentPackets && number != last + 1 {
                guard packet.header.flags.contains(.keyframe) else {
                    throw NodeError("\(number) follows \(last) and is no keyframe")
                }
            }
            last = number
            taken += 1
            if taken == limit { context?.finish() }
        }
    }
}

/// Raises the epoch every 200 µs.
final class Raiser: Node {
    static let descriptor = NodeDescriptor("raiser", summary: "Raises the epoch now and then")
    let level = ValueOutput("level", help: "a number that rises")
    let poke = RequestOutput("poke", help: "a request each time")
    @Parameter("count", default: 200, help: "how often") var count: Int
    var context: NodeContext?
    var raised = 0
    func prepare(_ context: NodeContext) { self.context = context }
    func process(now: Instant) {
        raised += 1
        context?.raiseEpoch()
        level.send(Double(raised))
        poke.send()
        if raised == count || context?.isStopping == true {
            context?.finish()
        } else {
            context?.wake(at: now + .microseconds(200))
        }
    }
}

final class Receiver: Node {
    static let descriptor = NodeDescriptor("receiver", summary: "Takes controls")
    let input = Input<Packet>("in")
    @Live("level", default: 0, help: "a number that rises") var level: Double
    let poke = RequestInput("poke", help: "requests")
    var pokes = 0
    func process(now: Instant) throws {
        let before = level
        if poke.take() { pokes += 1 }
        while input.next() != nil {}
        guard level >= before else { throw NodeError("a value went back") }
    }
}

/// Shares one input, and starts and stops instances of `viewer` as it is told by posts: 1 starts one, 0 stops the
/// oldest of more than four that run. A post is served when what it asked for has happened.
final class ViewerStarter: Node {
    static let descriptor = NodeDescriptor("viewers", summary: "Starts and stops viewers", traits: .shares)
    let input = Input<Packet>("in")
    let output = FanOut<Packet>("out", follows: "in")
    var context: NodeContext?
    var starting: [NodeContext.Instance] = []
    var running: [NodeContext.Instance] = []
    var stops = 0
    var mailbox: NodeContext.Inbox<UInt64>?
    static let shared = Mutex<NodeContext.Inbox<UInt64>?>(nil)
    static let served = Atomic<Int>(0)
    func prepare(_ context: NodeContext) {
        self.context = context
        let mailbox = context.inbox(of: UInt64.self)
        self.mailbox = mailbox
        ViewerStarter.shared.withLock { $0 = mailbox }
    }
    func process(now: Instant) {
        while let word = mailbox?.next() {
            if word == 1 { starting.append(context!.start("viewer")) } else { stops += 1 }
        }
        let begun = starting.filter { !$0.name.isEmpty }
        if !begun.isEmpty {
            starting.removeAll { handle in begun.contains { $0 === handle } }
            running += begun
            ViewerStarter.served.add(begun.count, ordering: .sequentiallyConsistent)
        }
        while stops > 0, running.count > 4 || starting.isEmpty {
            if running.count > 4 { running.removeFirst().stop() }
            stops -= 1
            ViewerStarter.served.add(1, ordering: .sequentiallyConsistent)
        }
        while let packet = input.next() { output.send(packet) }
    }
}

/// Blocks in a call that nothing interrupts until `release`.
final class Stone: Node {
    static let descriptor = NodeDescriptor("stone", summary: "Blocks", work: .blocking)
    let input = Input<Packet>("in")
    static let gate = Mutex<Void>(())
    func process(now: Instant) {
        Stone.gate.withLock { _ in }
        while input.next() != nil {}
    }
}

/// Posts from a thread that has nothing else to do than wait for room.
func post(_ word: UInt64, to mailbox: borrowing Mutex<NodeContext.Inbox<UInt64>?>) {
    while mailbox.withLock({ $0?.post(word) }) != true { sched_yield() }
}

/// A thread of its own for as long as `body` runs.
func onThread(_ body: @escaping @Sendable () -> Void) -> pthread_t {
    final class Box {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    let box = Unmanaged.passRetained(Box(body))
    pthread_create(
        &thread, nil,
        { argument in
            Unmanaged<Box>.fromOpaque(argument!).takeRetainedValue().body()
            return nil
        }, box.toOpaque())
    return thread
}
