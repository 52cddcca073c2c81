import Glibc
import Sluice

/// Scales audio samples by a constant gain.
public final class Gain: Node {
    public static let descriptor = NodeDescriptor(
        "gain", summary: "Scales audio samples", example: #""gain": { "type": "gain", "gain_db": -6 }"#)

    let input = Input<AudioFrame>("in", .audio([.f32]))
    let output = Output<AudioFrame>("out", follows: "in")
    @Live("gain_db", default: 0, range: -60...24, help: "The gain in dB.") var gain: Double
    private var pool = Pool<AudioFrame>()

    public init() {}

    public func process(now: Instant) throws {
        let factor = Float(pow(10, gain / 20))
        while let frame = input.next() {
            let scaled = pool.take(frame.format, sampleCount: frame.sampleCount)
            scaled.header = frame.header
            for (index, sample) in frame.f32.enumerated() { scaled.f32[index] = sample * factor }
            output.send(scaled)
        }
    }
}
