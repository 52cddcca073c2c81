import Glibc
@_spi(Host) import Sluice
import Synchronization

/// CLOCK_MONOTONIC. These nodes measure, so they read the clock where others are told the time.
private func clock() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// A second of pictures: a wavy surface with a little noise on it that drifts, painted beforehand.
final class CheckVideo: Node {
    static let descriptor = NodeDescriptor("check-pictures", summary: "A second of moving pictures")
    static let rate = 30

    let output = Output<VideoFrame>("out", .video([.i420]))
    @Parameter("width", help: "of the pictures") var width: Int
    @Parameter("height", help: "of the pictures") var height: Int
    private var surfaces: [Surface] = []
    private var format: MediaFormat!
    private var pool = Pool<VideoFrame>()
    private var sent = 0
    private var context: NodeContext!

    func prepare(_ context: NodeContext) {
        self.context = context
        format = MediaFormat(
            video: VideoLayout(
                width: width, height: height, pixelFormat: .i420, frameRate: .init(CheckVideo.rate)))
        output.fix(format)
        surfaces = (0..<3).map { plane in
            Surface(
                width: VideoLayout.PixelFormat.i420.rowBytes(plane: plane, width: width) + 2 * CheckVideo.rate,
                height: VideoLayout.PixelFormat.i420.rows(plane: plane, height: height) + CheckVideo.rate, plane: plane)
        }
    }

    func process(now: Instant) {
        while output.hasRoom, sent < CheckVideo.rate {
            let frame = pool.take(format)
            for plane in 0..<3 {
                let step = plane == 0 ? sent : sent / 2
                for y in 0..<VideoLayout.PixelFormat.i420.rows(plane: plane, height: height) {
                    surfaces[plane].copy(
                        row: y + step, from: 2 * step,
                        VideoLayout.PixelFormat.i420.rowBytes(plane: plane, width: width),
                        to: frame.plane(plane) + y * frame.stride(plane))
                }
            }
            frame.header.pts = MediaTime(Int64(sent), timescale: Int64(CheckVideo.rate))
            frame.header.dts = frame.header.pts
            frame.header.duration = format.nominalDuration
            sent += 1
            frame.header.captured = Instant(nanoseconds: Int64(clock()))
            output.send(frame)
        }
        if sent == CheckVideo.rate { context.finish() }
    }

    /// One plane, larger than what is cut out of it.
    struct Surface {
        private let bytes: [UInt8]
        private let width: Int

        init(width: Int, height: Int, plane: Int) {
            self.width = width
            func wave(_ count: Int, _ slow: Double, _ quick: Double) -> [Double] {
                (0..<count).map { sin(Double($0) / slow) + sin(Double($0) / quick) / 2 }
            }
            let (across, down) = (wave(width, 37, 11), wave(height, 23, 7))
            var noise: UInt32 = 1 + UInt32(plane)
            var bytes: [UInt8] = []
            bytes.reserveCapacity(width * height)
            for y in 0..<height {
                for x in 0..<width {
                    noise = noise &* 1_664_525 &+ 1_013_904_223
                    bytes.append(UInt8(120 + 25 * (across[x] + down[y])) + UInt8(noise >> 30))
                }
            }
            self.bytes = bytes
        }

        func copy(row: Int, from column: Int, _ count: Int, to target: UnsafeMutablePointer<UInt8>) {
            bytes.withUnsafeBufferPointer { target.update(from: $0.baseAddress! + row * width + column, count: count) }
        }
    }
}

/// A second of audio: a chord, and noise, in frames of 20 ms.
final class CheckAudio: Node {
    static let descriptor = NodeDescriptor("check-audio", summary: "A second of audio")

    let output = Output<AudioFrame>("out", .audio([.s16, .f32]))
    @Parameter("rate", help: "in Hz") var rate: Int
    @Parameter("channels", help: "how many") var channels: Int
    @Parameter("is_float", help: "samples are f32, not s16") var isFloat: Bool
    private var format: MediaFormat!
    private var pool = Pool<AudioFrame>()
    private var timeline: AudioFrame.Timeline!
    private var noise: UInt32 = 1
    private var context: NodeContext!

    func prepare(_ context: NodeContext) {
        self.context = context
        format = MediaFormat(audio: AudioLayout(isFloat ? .f32 : .s16, rate: rate, channels: channels))
        timeline = AudioFrame.Timeline(start: .zero, rate: rate)
        output.fix(format)
    }

    func process(now: Instant) {
        let count = max(1, rate / 50)
        while output.hasRoom, timeline.count < rate {
            let frame = pool.take(format, sampleCount: count)
            for index in 0..<count {
                let time = Double(timeline.count + Int64(index)) / Double(rate)
                let chord = [220.0, 277, 330].reduce(0) { $0 + sin(2 * .pi * $1 * time) }
                for channel in 0..<channels {
                    noise = noise &* 1_664_525 &+ 1_013_904_223
                    let sample = Int16(3_000 * chord) + Int16(noise >> 23) - 256
                    let place = channels * index + channel
                    if isFloat { frame.f32[place] = Float(sample) / 32_768 } else { frame.s16[place] = sample }
                }
            }
            frame.header.pts = timeline.end
            frame.header.dts = timeline.end
            frame.header.duration = frame.sampleDuration
            timeline.advance(count)
            frame.header.captured = Instant(nanoseconds: Int64(clock()))
            output.send(frame)
        }
        if timeline.count >= rate { context.finish() }
    }
}

/// Notes when packets come, and what they are.
final class CheckSink: Node {
    static let descriptor = NodeDescriptor("check-sink", summary: "Notes when packets come and what they are")

    let input = Input<Packet>("in")
    private var tape: CheckTape?

    func prepare(_ context: NodeContext) throws { tape = try context.service(CheckTape.self) }

    func process(now: Instant) {
        while let packet = input.next() { tape?.note(packet, after: clock() - Int(packet.header.captured.nanoseconds)) }
    }
}

/// The items that the sink of one run has seen, for its starter.
final class CheckTape: Sendable {
    private let seen = Mutex<Seen>(Seen())

    private struct Seen: Sendable {
        var delays: [Int] = []
        var interval = 0
        var facts: StreamFacts?
    }

    func note(_ packet: Packet, after delay: Int) {
        seen.withLock {
            $0.delays.append(delay)
            $0.interval = max($0.interval, Int(Interval(packet.header.duration).nanoseconds))
            if $0.facts == nil { $0.facts = StreamFacts(packet.bytes, codec: packet.format.codec?.name ?? "") }
        }
    }

    func tell(_ result: inout CodecResult) {
        seen.withLock {
            (result.delays, result.interval, result.facts) = ($0.delays.sorted(), $0.interval, $0.facts)
        }
    }
}
