import PacerPlugin
import PacingSimulation
import Sluice
import SluiceTesting
import TestSupport
import Testing

@Suite struct DriftTests {
    /// The short form of the hour that `tools/prove pacing --graph` runs.
    @Test(arguments: [200.0, -200]) func minutesOfTheRealGraphAreHeardWithoutASlip(ppm: Double) throws {
        var graph = PacedGraph()
        graph.ppm = ppm
        graph.seconds = 150
        graph.sampleFormat = .f32
        graph.hertz = 0
        let found = try graph.run()
        #expect(found.isGood(target: 60, after: 70), "\(found.summary)")
        #expect(found.compared > 1_000)
        #expect(abs(Double(found.driftPPM) - ppm) < 60)
    }

    @Test(arguments: [200.0, -200], [AudioLayout.SampleFormat.s16, .f32])
    func steeringLeavesNoDistortion(ppm: Double, sampleFormat: AudioLayout.SampleFormat) throws {
        var graph = PacedGraph()
        graph.ppm = ppm
        graph.jitterMilliseconds = 0
        graph.loss = 0
        graph.seconds = 90
        graph.sampleFormat = sampleFormat
        let found = try graph.run()
        #expect(found.driftPPM == Int(ppm))
        // The pitch follows the clock, so each tenth of a second has a tone of its own.
        let tail = found.tail.map(Double.init)
        let decibels = stride(from: 0, to: 48_000, by: 4_800).map {
            distortionDecibels(Array(tail[$0..<$0 + 4_800]), hertz: 1_000, rate: 48_000)
        }
        #expect(decibels.max()! < -80, "THD+N \(decibels) dB")
        #expect(found.tail.max()! > 0.49)
    }

    @Test func theResamplerBeginsWithoutASeam() throws {
        // The largest step of a tone of 1 kHz at half of full scale is 0.0654 of it.
        var graph = PacedGraph()
        graph.jitterMilliseconds = 0
        graph.loss = 0
        graph.seconds = 41
        var heard: [Float] = []
        graph.onSamples = { heard += $0 }
        let found = try graph.run()
        #expect(found.silentFrames == 0)
        #expect(zip(heard, heard.dropFirst()).map { abs($0 - $1) }.max()! < 0.0657)
    }

    @Test(arguments: [2_000.0, -2_000]) func skippingHoldsTheDepthAndTheGrid(ppm: Double) throws {
        var graph = PacedGraph()
        graph.ppm = ppm
        graph.jitterMilliseconds = 0
        graph.loss = 0
        graph.seconds = 120
        graph.drift = "skip"
        let found = try graph.run()
        #expect(found.offGrid == 0)
        #expect(found.silentFrames == 0)
        #expect(found.dropped == 0)
        // 240 ms of drift are twelve frames.
        #expect(found.depths.dropFirst(2).allSatisfy { abs($0 - 60) < 25 })
        #expect(found.skipped + found.repeated > 8 && found.skipped + found.repeated < 14)
        #expect((found.skipped > 0) == (ppm < 0))
    }

    @Test func silenceLetsASlowSourceRunDry() throws {
        let rig = try Rig(["drift": "silence", "target_depth_ms": 20])
        // 1 % slow: 20 ms in 2 s.
        rig.feed(500, from: 0, every: 20.2, wave: tone)
        #expect(Rig.isExact(rig.tape))
        #expect(rig.metric("concealed_samples") >= 3 * 960)
        #expect(rig.metric("steering_ppm") == 0)
    }
}
