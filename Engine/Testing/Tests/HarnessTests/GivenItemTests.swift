import Sluice
import SluiceTesting
import Testing

/// A node under test that writes to an item which it was given.
@Suite struct GivenItemTests {
    /// Scales samples in place, as no node may.
    final class Scribbler: Node {
        static let descriptor = NodeDescriptor("scribbler", summary: "Writes to frames that it receives")
        let input = Input<AudioFrame>("in", .audio([.s16]))
        let output = Output<AudioFrame>("out", follows: "in")
        @Parameter("scribbles", default: true, help: "false: only passes them on") var scribbles: Bool

        func process(now: Instant) {
            while let frame = input.next() {
                if scribbles { frame.s16[3] &+= 1 }
                output.send(frame)
            }
        }
    }

    @Test func writingToAReceivedFrameTraps() async {
        await #expect(processExitsWith: .failure) {
            let harness = try NodeHarness(Scribbler.self)
            harness.push(TestMedia.sine(count: 1))
            _ = harness.finish()
        }
    }

    @Test func passingItOnDoesNot() throws {
        let harness = try NodeHarness(Scribbler.self, parameters: ["scribbles": false])
        harness.push(TestMedia.sine(count: 100))
        #expect(harness.finish() == .finished)
        #expect(harness.pullAll().count == 100)
    }
}
