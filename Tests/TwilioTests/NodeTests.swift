import HTTP
import Sluice
@_spi(Host) import SluiceTesting
import Testing

@testable import TwilioPlugin

/// Starts one instance of `call`, as the door does.
private final class Ring: Node {
    static let descriptor = NodeDescriptor("ring", summary: "Starts a call")
    private var context: NodeContext!
    private var rack: Rack?
    init() {}
    func prepare(_ context: NodeContext) throws {
        self.context = context
        rack = try context.service(Rack.self)
    }
    func process(now: Instant) {
        guard context.reasons.contains(.start), let rack else { return }
        rack.instance = context.start("call", parameters: ["name": "CA1"], resource: rack.test.call)
    }
    func finish(now: Instant) -> Bool { true }
}

private final class Rack: @unchecked Sendable {
    let test: TestCall
    var instance: NodeContext.Instance?
    init(_ test: TestCall) { self.test = test }
}

/// The nodes of a call, in virtual time.
@Suite("A call's nodes") struct NodeTests {
    private let test = TestCall()

    private func harness(_ body: (inout GraphBuilder) -> Void) throws -> GraphHarness {
        let registry = NodeRegistry()
        registry.provide(Rack.self) { [test] in Rack(test) }
        var graph = GraphBuilder(registry: registry)
        graph.node("ring", Ring.self)
        graph.node("never", TestSource.self)
        graph.template("call", body)
        let harness = try GraphHarness(graph)
        harness.settle()
        try #require(harness.events.filter { $0.level == .error }.map(\.what) == [])
        return harness
    }

    private func pcmu(_ count: Int, _ value: UInt8 = 9, epoch: UInt32 = 1) -> Packet {
        let format = MediaFormat(codec: .pcmu, audio: AudioLayout(nil, rate: 8_000, channels: 1), bitrate: 64_000)
        let packet = Packet(format: format, count: count)
        packet.mutableBytes.initializeMemory(as: UInt8.self, repeating: value)
        packet.header.pts = .zero
        packet.header.dts = .zero
        packet.header.epoch = epoch
        packet.header.duration = MediaTime(Int64(count), timescale: 8_000)
        return packet
    }

    @Test func whatTheCallerSaysComesOutInTimeAndEndsWithTheCall() throws {
        let harness = try harness {
            $0.node("caller", TwilioInput.self)
            $0.node("audio", TestSink.self)
            $0.node("events", TestSink.self)
            $0.edge("caller.audio -> audio.in", items: 1_000, milliseconds: 60_000)
            $0.edge("caller.events -> events.in")
        }
        for chunk in 1...10 {
            test.say(TestCall.media(chunk == 4 ? 5 : chunk == 5 ? 4 : chunk))
            harness.advance(by: .milliseconds(20))
        }
        test.say(TestCall.key("5"))
        harness.settle()
        let audio = harness.sink("call.1/audio").received
        #expect(audio.map { ($0.item as? Packet)?.bytes[0] } == (1...10).map { UInt8($0) })
        #expect(audio.map(\.item.header.pts) == (0..<10).map { MediaTime($0 * 160, timescale: 8_000) })
        #expect(audio.allSatisfy { $0.item.format.codec == .pcmu && $0.item.header.epoch == 0 })
        let events = harness.sink("call.1/events").received.compactMap { $0.item as? DataItem }
        #expect(events.map { $0["event"]?.string } == ["started", "key"])
        #expect(events[0]["parameters"]?["who"]?.string == "Ada" && events[1]["key"]?.string == "5")
        test.say(TestCall.stop)
        harness.settle()
        #expect(harness.state(of: "call.1/caller") == nil)
        #expect(harness.events.contains { $0.what == "the call has ended" })
        // No key stands in a line.
        #expect(!harness.events.contains { $0.what.contains("5") && $0.what.contains("key") })
    }

    @Test func aCallThatGoesWithoutAWordEndsItsInstance() throws {
        let harness = try harness {
            $0.node("caller", TwilioInput.self)
            $0.node("audio", TestSink.self)
            $0.edge("caller.audio -> audio.in")
        }
        test.say(TestCall.media(2))
        test.call.closed(1_006)
        harness.settle()
        #expect(harness.state(of: "call.1/caller") == nil)
        #expect(harness.events.contains { $0.what.contains("has gone without a word (1006)") })
    }

    @Test func theReplyGoesOutFrameByFrame() throws {
        let harness = try harness {
            $0.node("voice", TestSource.self)
            $0.node("reply", TwilioOutput.self)
            $0.edge("voice.out -> reply.in", items: 1_000, milliseconds: 60_000)
        }
        harness.source("call.1/voice").push([pcmu(7), pcmu(1_000), pcmu(593)])
        for frame in 0..<10 {
            harness.settle()
            #expect(test.frames.count == frame + 1, "after \(frame * 20) ms")
            harness.advance(by: .milliseconds(20))
        }
        #expect(test.frames.allSatisfy { $0 == [UInt8](repeating: 9, count: 160) })
        harness.source("call.1/voice").end()
        harness.settle()
        #expect(test.events.last == "mark")
        let name = test.back.last?["mark"]?["name"]?.string ?? ""
        test.say(TestCall.mark(name))
        harness.settle()
        #expect(harness.state(of: "call.1/reply") == nil)
        #expect(test.closing?.code == 1_000)
        #expect(test.back.allSatisfy { $0["streamSid"]?.string == TestCall.stream })
    }

    @Test func anInterruptionClearsWhatIsNotPlayed() throws {
        let harness = try harness {
            $0.node("voice", TestSource.self)
            $0.node("reply", TwilioOutput.self)
            $0.edge("voice.out -> reply.in", items: 1_000, milliseconds: 60_000)
        }
        harness.source("call.1/voice").push((0..<50).map { _ in pcmu(160) })
        harness.advance(by: .milliseconds(90))
        #expect(test.frames.count == 5)
        #expect(harness.request("interrupt", of: "call.1/reply"))
        harness.advance(by: .milliseconds(100))
        #expect(test.frames.count == 5 && test.events.last == "clear")
        harness.source("call.1/voice").push((0..<2).map { _ in pcmu(160, 3, epoch: 2) })
        harness.advance(by: .milliseconds(30))
        #expect(test.frames.count == 7 && test.frames[6][0] == 3)
        let reply = try #require(harness.context(of: "call.1/reply"))
        #expect(reply.counter("clears").count == 1 && reply.counter("frames_sent").count == 7)
    }

    @Test func aNodeWithoutACallSaysWhereItBelongs() {
        #expect { try NodeHarness(TwilioOutput.self) } throws: { "\($0)".contains("it has no call") }
        #expect { try NodeHarness(TwilioInput.self) } throws: { "\($0)".contains("it has no call") }
    }
}
