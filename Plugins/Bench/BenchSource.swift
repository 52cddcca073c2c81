import Sluice

/// Sends frames that were made beforehand, so that a chain behind it costs what the engine costs and nothing else.
public final class BenchSource: Node {
    public static let descriptor = NodeDescriptor(
        "bench-source", summary: "Sends frames made beforehand, to measure the engine itself",
        example: #""source": { "type": "bench-source", "frames": 100000, "rate_per_s": 0 }"#,
        unpacedIf: NodeDescriptor.Condition("rate_per_s", .number(0)))

    @Parameter("frames", default: 1_000_000, range: 1...1e12, help: "The number of frames that are sent.")
    var frames: Int
    @Parameter(
        "rate_per_s", default: 0.0, range: 0...100_000,
        help: "The number of frames a second. 0 sends as fast as the edges allow.")
    var rate: Double

    let output = Output<AudioFrame>("out", .audio([.s16], rates: [48000], channels: [1]))

    private var context: NodeContext!
    private var made: [AudioFrame] = []
    private var sent = 0

    public init() {}

    public func prepare(_ context: NodeContext) {
        self.context = context
        let format = MediaFormat(audio: AudioLayout(.s16, rate: 48000, channels: 1))
        output.fix(format)
        made = (0..<64).map { index in
            let frame = AudioFrame(format: format, sampleCount: 32)
            // A pool's memory holds what was there before, and equal runs are to send equal bytes.
            frame.mutableBytes.initializeMemory(as: UInt8.self, repeating: 0)
            frame.mutableBytes.initializeMemory(as: UInt8.self, repeating: 0)
            frame.header.pts = frame.sampleDuration * Int64(index)
            frame.header.dts = frame.header.pts
            frame.header.duration = frame.sampleDuration
            return frame
        }
    }

    public func process(now: Instant) {
        if rate > 0 {
            sendDue(now)
        } else {
            while sent < frames, output.hasRoom { sendOne() }
        }
        if sent == frames { context.finish() }
    }

    private func sendDue(_ now: Instant) {
        while sent < frames, output.hasRoom {
            let due = context.started + Interval.seconds(Double(sent) / rate)
            guard due <= now else {
                context.wake(at: due)
                return
            }
            sendOne()
        }
    }

    private func sendOne() {
        output.send(made[sent & 63])
        sent += 1
    }
}
