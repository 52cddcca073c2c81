@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import Testing

@testable import FlowPlugin

@Suite("codec-split and merge") struct CodecSplitTests {
    private func packet(_ codec: MediaFormat.Codec, _ number: Int) -> Packet {
        let format = MediaFormat(codec: codec, audio: AudioLayout(nil, rate: 48_000, channels: 2))
        let packet = Packet(format: format, count: 10)
        packet.header.pts = .milliseconds(Int64(number) * 20)
        packet.header.dts = packet.header.pts
        packet.header.duration = .milliseconds(20)
        packet.header.flags = .keyframe
        return packet
    }

    private static let codecs: [MediaFormat.Codec] = [.opus, .aac, .aac, .opus]

    private func split(
        codecs: String, hint: String = "", unconnected: Set<String> = []
    ) throws -> NodeHarness<CodecSplit> {
        let node = try NodeHarness(
            CodecSplit.self, parameters: ["codecs": .string(codecs), "hint": .string(hint)], unconnected: unconnected)
        node.push(CodecSplitTests.codecs.enumerated().map { packet($1, $0) })
        #expect(node.finish() == .finished)
        return node
    }

    private func numbers(_ sink: TestSink) -> [Int] {
        sink.received.map { Int(($0.item.header.pts.seconds * 50).rounded()) }
    }

    @Test func packetsOfTheCodecsGoToOutAndOthersToOther() throws {
        let node = try split(codecs: "Opus")
        #expect(numbers(node.sink("out")) == [0, 3])
        #expect(numbers(node.sink("other")) == [1, 2])
        #expect(numbers(try split(codecs: "aac, opus").sink("out")) == [0, 1, 2, 3])
    }

    @Test func packetsThatNothingTakesAreCountedAndSaid() throws {
        let node = try split(codecs: "opus", hint: "Send Opus.", unconnected: ["other"])
        #expect(numbers(node.sink("out")) == [0, 3])
        #expect(
            node.events.filter { $0.level == .warning }.map(\.what) == [
                "aac is left out: nothing takes it. Send Opus."
            ])
        #expect(node.context.counter("left_out").count == 2)
    }

    @Test func withoutACodecItIsRefused() {
        #expect(throws: (any Error).self) { try split(codecs: " , ") }
    }

    @Test func mergeHandsOnBoth() throws {
        let node = try NodeHarness(Merge.self)
        node.push([packet(.opus, 0), packet(.opus, 1)], into: "first")
        node.push(packet(.opus, 2), into: "second")
        #expect(node.finish() == .finished)
        #expect(Set(numbers(node.sink("out"))) == [0, 1, 2])
    }
}
