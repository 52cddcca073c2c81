@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting

/// Hands everything on.
final class Through: Node {
    static let descriptor = NodeDescriptor("through", summary: "Hands everything on")
    let input = Input<MediaItem>("in")
    let output = Output<MediaItem>("out", follows: "in")
    func process(now: Instant) { while let item = input.next() { output.send(item) } }
}

/// One input to any number of edges.
final class Share: Node {
    static let descriptor = NodeDescriptor("share", summary: "Shares", traits: .shares)
    let input = Input<MediaItem>("in")
    let output = FanOut<MediaItem>("out", follows: "in")
    func process(now: Instant) { while let item = input.next() { output.send(item) } }
}

/// Takes only audio s16.
final class S16Sink: Node {
    static let descriptor = NodeDescriptor("s16-sink", summary: "Takes audio s16")
    let input = Input<AudioFrame>("in", .audio([.s16]))
    var changes = 0
    func process(now: Instant) { while input.next() != nil { if input.formatChanged { changes += 1 } } }
}

/// A coded source with a keyframe request: counts how often it was asked.
final class Coder: Node {
    static let descriptor = NodeDescriptor("coder", summary: "Hands packets on, counts keyframe requests")
    let input = Input<Packet>("in")
    let output = Output<Packet>("out", follows: "in")
    let keyframe = RequestInput("keyframe", help: "asks for a keyframe")
    var asked = 0
    func process(now: Instant) {
        if keyframe.take() { asked += 1 }
        while let item = input.next() { output.send(item) }
    }
}

/// Fails when it gets picture number `at`.
final class Brittle: Node {
    static let descriptor = NodeDescriptor("brittle", summary: "Throws at a number")
    let input = Input<VideoFrame>("in")
    let output = Output<VideoFrame>("out", follows: "in")
    @Parameter("at", default: 3, help: "the number to throw at") var at: Int
    @Live("gain", default: 0, range: 0...10, help: "a live value") var gain: Double
    nonisolated(unsafe) static var closed = 0
    func process(now: Instant) throws {
        while let frame = input.next() {
            if TestMedia.number(of: frame) % 100 == at {
                throw NodeError("picture \(at) is bad", advice: "Send others.")
            }
            output.send(frame)
        }
    }
}

/// Never stops being busy.
final class Busy: Node {
    static let descriptor = NodeDescriptor("busy", summary: "Sends for ever to nobody")
    let output = Output<MediaItem>("out", optional: true)
    var context: NodeContext?
    var sent = 0
    var batches: [Int] = []
    func prepare(_ context: NodeContext) { self.context = context }
    func process(now: Instant) {
        var batch = 0
        while output.hasRoom, sent < 200 {
            output.send(TestMedia.pictures(count: 1)[0])
            sent += 1
            batch += 1
        }
        batches.append(batch)
        if sent == 200 { context?.finish() }
    }
}

/// Every millisecond, twenty times.
final class Ticker: Node {
    static let descriptor = NodeDescriptor("ticker", summary: "Wakes every 10 ms", traits: .paced)
    var context: NodeContext?
    var woken: [Instant] = []
    func prepare(_ context: NodeContext) {
        self.context = context
        context.wake(at: context.now + .milliseconds(10))
    }
    func process(now: Instant) {
        guard let context, context.reasons.contains(.timer) else { return }
        woken.append(now)
        if woken.count == 20 { context.finish() } else { context.wake(at: now + .milliseconds(10)) }
    }
}

/// Two inputs in order.
final class Merge: Node {
    static let descriptor = NodeDescriptor("merge", summary: "Joins two inputs", traits: .joins)
    let a = Input<MediaItem>("a", optional: true)
    let b = Input<MediaItem>("b", optional: true)
    let output = Output<MediaItem>("out", optional: true)
    var join: Join<MediaItem>?
    var context: NodeContext?
    var order: [String] = []
    func prepare(_ context: NodeContext) {
        self.context = context
        join = Join([a, b], maxWait: .milliseconds(100))
    }
    func process(now: Instant) {
        while let (input, item) = join?.next(now: now, context: context!) {
            order.append(input.name + String(Int(item.header.pts.milliseconds)))
            output.send(item)
        }
    }
}

/// Declares latency.
final class Late: Node {
    static let descriptor = NodeDescriptor("late", summary: "Says that it keeps media 700 ms")
    let input = Input<MediaItem>("in")
    let output = Output<MediaItem>("out", follows: "in")
    func prepare(_ context: NodeContext) { output.latency = .init(min: .milliseconds(0), max: .milliseconds(700)) }
    func process(now: Instant) { while let item = input.next() { output.send(item) } }
}

/// Starts and stops templates when told.
final class Host: Node {
    static let descriptor = NodeDescriptor("host", summary: "Starts templates")
    let input = Input<MediaItem>("in")
    let output = FanOut<MediaItem>("out", follows: "in")
    var handles: [NodeContext.Instance] = []
    var context: NodeContext?
    func prepare(_ context: NodeContext) { self.context = context }
    @discardableResult
    func start(
        _ template: String, _ parameters: [String: ParameterValue] = [:], after predecessor: NodeContext.Instance? = nil
    ) -> NodeContext.Instance {
        handles.append(context!.start(template, parameters: parameters, after: predecessor))
        return handles.last!
    }
    func process(now: Instant) { while let item = input.next() { output.send(item) } }
}

/// Control ends.
final class Knobs: Node {
    static let descriptor = NodeDescriptor("knobs", summary: "Sends controls")
    let input = Input<MediaItem>("in", optional: true)
    let level = ValueOutput("level", help: "a value")
    let poke = RequestOutput("poke", help: "a request")
    var context: NodeContext?
    func prepare(_ context: NodeContext) { self.context = context }
    func process(now: Instant) { while input.next() != nil {} }
}

final class Dial: Node {
    static let descriptor = NodeDescriptor("dial", summary: "Takes controls")
    let input = Input<MediaItem>("in", optional: true)
    @Live("level", default: 0, range: 0...100, help: "a value") var level: Double
    let poke = RequestInput("poke", help: "a request")
    var levels: [Double] = []
    var pokes = 0
    var calls = 0
    func process(now: Instant) {
        calls += 1
        if $level.takeChange() { levels.append(level) }
        if poke.take() { pokes += 1 }
        while input.next() != nil {}
    }
}

/// Keeps the numbers that it was sent.
final class Gauge: Node {
    static let descriptor = NodeDescriptor("gauge", summary: "keeps the numbers that it was sent")
    let reading = ValueInput("reading", help: "any number")
    var readings: [Double] = []
    init() {}
    func process(now: Instant) { if let value = reading.take() { readings.append(value) } }
}
