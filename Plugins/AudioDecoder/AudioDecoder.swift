import LibAV
import Sluice

/// Decodes AAC and whatever else libavcodec knows to interleaved PCM: s16 where the codec has integers of 16 bit, else
/// f32.
///
/// Samples are counted from the last discontinuity on, and times are computed from the count: containers round them.
/// Where the packets' times leave a hole, or go back, the count begins anew with theirs. A packet whose duration is
/// shorter than what it holds was filled up at the end of a stream; what is too much waits for a packet that goes on
/// behind it, and is dropped where none does. A packet that cannot be decoded is lost, counted, and said once.
public final class AudioDecoder: Node {
    public static let descriptor = NodeDescriptor(
        "audio-decoder", summary: "Decodes coded audio to PCM",
        example: #""decode": { "type": "audio-decoder" }"#)

    let input = Input<Packet>("in", .codedAudio)
    let output = Output<AudioFrame>("out", .audio([.s16, .f32]))

    @Parameter(
        "max_channels", default: 8, range: 1...64,
        help: "The most channels that a packet may have. A packet with more is left out.")
    var maxChannels: Int
    @Parameter(
        "max_rate", default: 192_000, range: 8_000...768_000,
        help: "The highest sample rate in Hz. A packet with a higher one is left out.")
    var maxRate: Int

    private var context: NodeContext!
    private var decoder: Decoder?
    private var opened: MediaFormat?
    private let samples = AudioFrameMaker()
    private var timeline = AudioFrame.Timeline()
    private var format: MediaFormat?
    /// Samples beyond the duration of the last packet.
    private var tail: AudioFrame?
    private var last = MediaItem.Header()
    private var lastEnd = MediaTime.zero
    private var marksDiscontinuity = false
    private var damaged: Metric.Counter!
    private var tooMany: Metric.Counter!

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        damaged = context.counter("damaged_packets")
        tooMany = context.counter("too_many_channels")
        guard let format = input.format, isAllowed(format.audio) else { return }
        try open(format)
        if let told = decoder?.audioFormat, isAllowed(told.audio) { output.fix(told) }
    }

    private func open(_ format: MediaFormat) throws {
        opened = format
        decoder = nil
        decoder = try Decoder(format)
    }

    public func process(now: Instant) {
        while let packet = input.next() {
            if input.formatChanged && opened != packet.format { change(packet.format) }
            if packet.header.flags.contains(.discontinuity) {
                drain()
                timeline = AudioFrame.Timeline()
                marksDiscontinuity = true
            }
            decode(packet)
        }
    }

    /// Samples that the old stream still holds come out first.
    private func change(_ format: MediaFormat) {
        drain()
        opened = format
        decoder = nil
        guard isAllowed(format.audio) else { return }
        do { try open(format) } catch { lose("\(error)") }
    }

    private func decode(_ packet: Packet) {
        guard let decoder else {
            if isAllowed(packet.format.audio) {
                lose("nothing decodes \(packet.format)")
            } else {
                refuse(packet.format.audio)
            }
            return
        }
        last = packet.header
        do {
            // A decoder that holds frames back refuses; they are taken after every packet, so once suffices.
            if try !decoder.send(packet) {
                receive()
                _ = try decoder.send(packet)
            }
        } catch {
            lose("damaged \(packet.format) (\(error))")
        }
        receive()
    }

    /// More than any packet holds.
    private static let mostAtOnce = 4_096

    private func receive() {
        guard let decoder else { return }
        // An error takes a frame from the decoder as well, or there is none.
        for _ in 0..<AudioDecoder.mostAtOnce {
            do {
                guard try decoder.receive() else { return }
                try send(decoder)
            } catch {
                lose("\(error)")
            }
        }
    }

    private func send(_ decoder: Decoder) throws {
        let (channels, rate) = (
            Int(decoder.frame.pointee.ch_layout.nb_channels), Int(decoder.frame.pointee.sample_rate)
        )
        guard channels <= maxChannels, rate <= maxRate else {
            return refuse(AudioLayout(nil, rate: rate, channels: channels))
        }
        let pts = decoder.framePts
        let origin = decoder.takeOrigin()
        guard let frame = try samples.make(decoder.frame) else { return }
        frame.header.pts = pts
        frame.header.captured = origin?.captured ?? last.captured
        frame.header.epoch = origin?.epoch ?? last.epoch
        frame.header.sourceClock = origin?.sourceClock ?? last.sourceClock
        follow(frame)
        let real = realSamples(of: frame, origin?.duration ?? .none)
        guard real < frame.sampleCount else { return hand(frame) }
        let rest = frame.part(from: real, count: frame.sampleCount - real)
        hand(frame.part(from: 0, count: real))
        tail = rest
    }

    /// Sets the count to where `frame` belongs, and hands out what waited if it belongs before it.
    private func follow(_ frame: AudioFrame) {
        if let tail {
            self.tail = nil
            let end = timeline.end + tail.sampleDuration
            let off = frame.header.pts.isKnown ? (frame.header.pts - end).ticks.magnitude : 0
            if tail.format == frame.format, off <= AudioFrame.Timeline.tolerance.ticks.magnitude { hand(tail) }
        }
        let isContinued = isContinued(by: frame)
        if isContinued, timeline.rate == frame.layout.rate { return }
        if timeline.isStarted && !isContinued { marksDiscontinuity = true }
        // A decoder may find out with its first frame that the rate is another one than was told.
        timeline = AudioFrame.Timeline(
            start: isContinued || !frame.header.pts.isKnown ? lastEnd : frame.header.pts, rate: frame.layout.rate)
    }

    /// Encoders that read a clock for each packet are off by milliseconds to and fro. A lost packet leaves a hole as
    /// long as it was.
    private func isContinued(by frame: AudioFrame) -> Bool {
        guard timeline.isStarted else { return false }
        guard frame.header.pts.isKnown else { return true }
        let off = frame.header.pts.ticks.subtractingReportingOverflow(timeline.end.ticks)
        let jitter = min(frame.sampleDuration.ticks / 2, AudioDecoder.mostJitter.ticks)
        return !off.overflow
            && off.partialValue.magnitude <= max(jitter, AudioFrame.Timeline.tolerance.ticks).magnitude
    }

    private static let mostJitter = MediaTime.milliseconds(10)

    /// Durations that a container has rounded tell nothing.
    private func realSamples(of frame: AudioFrame, _ duration: MediaTime) -> Int {
        let whole = frame.sampleDuration
        guard duration.isKnown, duration > .zero, whole - duration > AudioFrame.Timeline.tolerance else {
            return frame.sampleCount
        }
        return min(frame.sampleCount, Int(duration.rescaled(to: Int64(frame.layout.rate))))
    }

    private func hand(_ frame: AudioFrame) {
        guard frame.sampleCount > 0 else { return }
        frame.header.pts = timeline.end
        frame.header.dts = frame.header.pts
        frame.header.duration = frame.sampleDuration
        frame.header.flags = marksDiscontinuity ? [.keyframe, .discontinuity] : .keyframe
        marksDiscontinuity = false
        timeline.advance(frame.sampleCount)
        lastEnd = timeline.end
        output.send(frame)
    }

    // MARK: Lost packets

    private func lose(_ why: String) {
        damaged.add()
        guard damaged.count == 1 else { return }
        context.log(.warning, "a packet is lost: \(why); going on, counted as damaged_packets")
    }

    private func isAllowed(_ layout: AudioLayout?) -> Bool {
        guard let layout else { return true }
        return layout.channels <= maxChannels && layout.rate <= maxRate
    }

    private func refuse(_ layout: AudioLayout?) {
        tooMany.add()
        guard tooMany.count == 1, let layout else { return }
        context.log(
            .warning,
            "audio of \(layout) is left out: at most \(maxChannels) channels and \(maxRate) Hz are decoded. "
                + "Raise max_channels or max_rate if it is meant; counted as too_many_channels")
    }

    private func drain() {
        guard let decoder else { return }
        _ = try? decoder.send(nil)
        receive()
        decoder.flush()
        tail = nil
    }

    public func finish(now: Instant) -> Bool {
        drain()
        return true
    }

    public func close() { decoder = nil }
}

extension AudioFrame {
    /// A copy of some of its samples, with its header.
    fileprivate func part(from first: Int, count: Int) -> AudioFrame {
        let part = AudioFrame(format: format, sampleCount: count)
        let size = layout.bytesPerSample
        part.buffer.bytes.copyMemory(from: buffer.bytes + first * size, byteCount: count * size)
        part.header = header
        return part
    }
}
