import Sluice

/// Sends silence, 20 ms at a time, on the graph's clock.
public final class Silence: Node {
    public static let descriptor = NodeDescriptor("silence", summary: "Sends silence", traits: [.paced])

    let output = Output<AudioFrame>("out", .audio([.s16], rates: [48_000], channels: [1]))
    private let format = MediaFormat(audio: AudioLayout(.s16, rate: 48_000, channels: 1))
    private var timeline = AudioFrame.Timeline(start: .zero, rate: 48_000)
    private var pool = Pool<AudioFrame>()
    private var context: NodeContext!

    public init() {}

    public func prepare(_ context: NodeContext) {
        self.context = context
        output.fix(format)
    }

    public func process(now: Instant) {
        while output.hasRoom {
            let due = context.started + Interval(timeline.end)
            guard due <= now else { return context.wake(at: due) }
            let frame = pool.take(format, sampleCount: 960)
            frame.mutableBytes.initializeMemory(as: UInt8.self, repeating: 0)
            frame.header.pts = timeline.end
            frame.header.dts = timeline.end
            frame.header.duration = frame.sampleDuration
            frame.header.captured = due
            frame.header.epoch = context.epoch
            timeline.advance(960)
            output.send(frame)
        }
    }
}
