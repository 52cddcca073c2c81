import Glibc
import Sluice

/// A tone, or pictures, of a source whose clock is off, as they come over a network: see `Arrivals`. `captured` is when
/// each item came.
public final class JitterySource: Node {
    public static let descriptor = NodeDescriptor(
        "jittery-source", summary: "Media of a clock that is off, late and lost")

    let audio = Output<AudioFrame>("audio", optional: true)
    let video = Output<Packet>("video", optional: true)
    @Parameter(
        "ppm", default: 0, range: -10_000...10_000,
        help: "The excess of its second over a second of the clock, in millionths.") var ppm: Double
    @Parameter("jitter_ms", default: 0, range: 0...1_000, help: "The most by which items come late, in ms.")
    var jitter: Double
    @Parameter("loss", default: 0, range: 0...1, help: "The share of items that do not come.") var loss: Double
    @Parameter("seed", default: 1, help: "The seed of the random numbers.") var seed: Int
    @Parameter("seconds", default: 60, help: "The time that it runs, in s of its own clock.") var seconds: Double
    @Parameter(
        "hertz", default: 1_000,
        help: "The pitch of the tone in Hz. 0 gives samples that tell their time, as a part of a second.")
    var hertz: Double
    @Parameter("sample_format", default: .s16, help: "The format of the samples.")
    var sampleFormat: AudioLayout.SampleFormat

    public static let rate = 48_000
    public static let picturesPerSecond: Int64 = 25
    private static let samples = 960
    private var context: NodeContext!
    private var format: MediaFormat!
    private let coded = MediaFormat(codec: .h264, video: VideoLayout(width: 64, height: 48, frameRate: .init(25)))
    private var pool = Pool<AudioFrame>()
    private var packets = Pool<Packet>()
    private var arrivals: Arrivals!
    private var pictureArrivals: Arrivals!
    private var next: Arrivals.Packet!
    private var nextVideo: Arrivals.Packet!
    /// Packets of audio that did not come, up to the last that did.
    public private(set) var lost: Int64 = 0
    private var last: Int64 = -1

    public init() {}

    public func prepare(_ context: NodeContext) {
        self.context = context
        format = MediaFormat(audio: AudioLayout(sampleFormat, rate: JitterySource.rate, channels: 1))
        audio.fix(format)
        video.fix(coded)
        let late = Interval.seconds(jitter / 1e3)
        arrivals = Arrivals(length: .milliseconds(20), ppm: ppm, jitter: late, loss: loss, seed: UInt64(seed))
        pictureArrivals = Arrivals(
            length: .milliseconds(40), ppm: ppm, jitter: late, loss: 0, seed: UInt64(seed) &+ 1_000_003)
        next = arrivals.next()
        nextVideo = pictureArrivals.next()
    }

    public func process(now: Instant) {
        while next.arrival <= now, audio.hasRoom {
            if audio.isConnected { audio.send(tone(next.number, now)) }
            lost += next.number - last - 1
            last = next.number
            next = arrivals.next()
        }
        while nextVideo.arrival <= now, video.hasRoom {
            if video.isConnected { video.send(picture(nextVideo.number, now)) }
            nextVideo = pictureArrivals.next()
        }
        if now.nanoseconds >= Int64(seconds * 1e9) { return context.finish() }
        context.wake(at: min(next.arrival, nextVideo.arrival))
    }

    private func tone(_ number: Int64, _ now: Instant) -> AudioFrame {
        let frame = pool.take(format, sampleCount: JitterySource.samples)
        let step = 2 * Double.pi * hertz / Double(JitterySource.rate)
        for index in 0..<JitterySource.samples {
            let sample = number * Int64(JitterySource.samples) + Int64(index)
            let value =
                hertz > 0
                ? 0.5 * sin(step * Double(sample))
                : Double(sample % Int64(JitterySource.rate)) / Double(JitterySource.rate)
            if sampleFormat == .f32 {
                frame.f32[index] = Float(value)
            } else {
                frame.s16[index] = Int16((value * 32_767).rounded())
            }
        }
        frame.header.pts = MediaTime(number * Int64(JitterySource.samples), timescale: Int64(JitterySource.rate))
        frame.header.dts = frame.header.pts
        frame.header.duration = frame.sampleDuration
        frame.header.captured = now
        frame.header.epoch = context.epoch
        return frame
    }

    private func picture(_ number: Int64, _ now: Instant) -> Packet {
        let packet = packets.take(coded, count: 64)
        packet.mutableBytes.storeBytes(of: number, as: Int64.self)
        packet.header.pts = MediaTime(number, timescale: JitterySource.picturesPerSecond)
        packet.header.dts = packet.header.pts
        packet.header.duration = .milliseconds(40)
        packet.header.captured = now
        packet.header.epoch = context.epoch
        packet.header.flags = .keyframe
        return packet
    }
}
