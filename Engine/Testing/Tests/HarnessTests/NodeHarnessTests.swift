import Sluice
import SluiceTesting
import Testing

final class Gain: Node {
    static let descriptor = NodeDescriptor("gain", summary: "Scales audio samples")
    let input = Input<AudioFrame>("in")
    let output = Output<AudioFrame>("out", follows: "in")
    @Live("gain_db", default: 0, range: -60...24, help: "The gain in dB.") var gain: Double
    func process(now: Instant) throws {
        while let frame = input.next() {
            let scaled = frame.copy()
            for index in scaled.s16.indices {
                scaled.s16[index] = Int16(Double(scaled.s16[index]) * (gain == 6 ? 2 : 1))
            }
            output.send(scaled)
        }
    }
}

@Suite struct NodeHarnessTests {
    @Test func aNodeIsRunByHand() throws {
        let harness = try NodeHarness(Gain.self, parameters: ["gain_db": 6])
        #expect(harness.step() == .start)
        harness.push(TestMedia.pcm(samples: 4, count: 2) { _ in 0.25 })
        #expect(harness.step() == .input)
        harness.settle()
        let out = harness.pullAll()
        #expect(out.count == 2)
        #expect((out[0] as? AudioFrame)?.s16[0] == 16_384)
        #expect(harness.step() == nil)
        #expect(harness.finish() == .finished)
        #expect(harness.graph.isBalanced)
    }
}
