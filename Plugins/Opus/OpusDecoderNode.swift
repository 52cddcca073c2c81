import Bitstream
import Sluice

/// Decodes Opus to s16 at 48 kHz.
///
/// Samples are counted from the last discontinuity on. A hole between two packets of at most `conceal_ms` is filled to
/// the sample: its end with the copy that the next packet may carry of it (in-band FEC), the rest with what libopus
/// makes up. A longer hole, or a discontinuity, starts the count anew with a fresh decoder. The pre-skip that the
/// configuration names is thrown away at every start.
public final class OpusDecoderNode: Node {
    public static let descriptor = NodeDescriptor(
        "opus-decoder", summary: "Decodes Opus to PCM at 48 kHz", example: #""decoder": { "type": "opus-decoder" }"#)

    let input = Input<Packet>("in", .codedAudio([.opus], channels: [1, 2]))
    let output = Output<AudioFrame>("out", .audio([.s16], rates: [Decoder.rate], channels: [1, 2]))

    @Parameter(
        "conceal_ms", default: 120, range: 0...1_000, help: "The longest hole between packets that is filled, in ms.")
    var longestConcealed: Double

    private var decoder: Decoder?
    private var format: MediaFormat?
    private var pool = Pool<AudioFrame>()
    private var timeline = AudioFrame.Timeline()
    private var epoch: UInt32 = 0
    /// Samples at the start that are the encoder's delay, and how many of them are still to be thrown away.
    private var preSkip = 0
    private var skip = 0
    private var hasSent = false
    private var marksDiscontinuity = false
    private var context: NodeContext!
    private var concealed: Metric.Counter!
    private var refused: Metric.Counter!

    /// libopus makes up samples in steps of 2.5 ms.
    private static let step = Decoder.rate / 400
    private static let longestMadeUp = Decoder.rate / 50

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        concealed = context.counter("concealed_samples")
        refused = context.counter("bad_packets")
        if let packets = input.format { try open(packets) }
        if let format { output.fix(format) }
    }

    public func process(now: Instant) throws {
        while let packet = input.next() {
            if input.formatChanged || decoder == nil { try open(packet.format) }
            take(packet)
        }
    }

    public func close() { decoder = nil }

    private func take(_ packet: Packet) {
        guard let decoder, let format else { return }
        guard let count = Decoder.sampleCount(of: packet) else {
            noteBad(packet)
            return
        }
        if !timeline.isContinued(by: packet.header) && !fillHole(before: packet, count: count) {
            restart(at: packet.header)
        }
        epoch = packet.header.epoch
        let frame = pool.take(format, sampleCount: count)
        if !decoder.decode(packet, into: frame) {
            noteBad(packet)
            guard decoder.conceal(frame) else { return }
        }
        send(frame, keeping: realSamples(of: packet, count), from: packet.header)
    }

    /// Fills a hole in front of `packet` where it is short enough; false if counting must start anew.
    private func fillHole(before packet: Packet, count: Int) -> Bool {
        let header = packet.header
        guard timeline.isStarted, header.epoch == epoch, !header.flags.contains(.discontinuity),
            header.pts > timeline.end,
            let decoder, let format
        else { return false }
        let hole = header.pts - timeline.end
        guard hole > .zero, hole.milliseconds <= longestConcealed else { return false }
        var missing = Int(hole.rescaled(to: Int64(Decoder.rate)))
        while missing > 0 {
            let recovers = missing == count
            let kept =
                recovers ? count : min(missing > count ? missing - count : missing, OpusDecoderNode.longestMadeUp)
            let step = OpusDecoderNode.step
            let frame = pool.take(format, sampleCount: recovers ? count : (kept + step - 1) / step * step)
            guard recovers ? decoder.decode(packet, into: frame, recovering: true) : decoder.conceal(frame) else {
                return false
            }
            concealed.add(kept)
            send(frame, keeping: kept, from: header)
            missing -= kept
        }
        return true
    }

    private func restart(at header: MediaItem.Header) {
        if hasSent { decoder?.reset() }
        marksDiscontinuity = hasSent || header.flags.contains(.discontinuity)
        skip = preSkip
        let start = header.pts.isKnown || !timeline.isStarted ? header.pts : timeline.end
        timeline = AudioFrame.Timeline(start: start, rate: Decoder.rate)
    }

    /// Sends the first `kept` samples of `frame`, less those that are skipped at the start.
    private func send(_ frame: AudioFrame, keeping kept: Int, from header: MediaItem.Header) {
        guard let format else { return }
        let skipped = min(skip, kept)
        skip -= skipped
        timeline.advance(skipped)
        let sent = kept - skipped
        guard sent > 0 else { return }
        if skipped > 0 {
            let bytes = format.audio!.bytesPerSample
            frame.buffer.bytes.copyMemory(from: frame.buffer.bytes + skipped * bytes, byteCount: sent * bytes)
        }
        if sent != frame.sampleCount { frame.reset(format: format, sampleCount: sent) }
        frame.header.pts = timeline.end
        frame.header.dts = frame.header.pts
        frame.header.duration = frame.sampleDuration
        frame.header.captured = header.captured
        frame.header.epoch = header.epoch
        frame.header.sourceClock = header.sourceClock
        frame.header.flags = marksDiscontinuity ? [.keyframe, .discontinuity] : .keyframe
        marksDiscontinuity = false
        hasSent = true
        timeline.advance(sent)
        output.send(frame)
    }

    /// A packet whose duration is shorter than what it holds was filled up at the end of a stream. One of 2.5 ms in a
    /// container that counts in milliseconds only looks so.
    private func realSamples(of packet: Packet, _ count: Int) -> Int {
        let duration = packet.header.duration
        guard duration.isKnown, duration > .zero else { return count }
        let isRounded = count % 48 != 0 && duration.ticks % MediaTime.milliseconds(1).ticks == 0
        return isRounded ? count : min(count, Int(duration.rescaled(to: Int64(Decoder.rate))))
    }

    private func open(_ packets: MediaFormat) throws {
        let channels = packets.audio?.channels ?? 2
        preSkip = OpusHead(packets.configuration)?.preSkip ?? 0
        guard decoder?.channels != channels else { return }
        decoder = try Decoder(channels: channels)
        format = MediaFormat(audio: AudioLayout(.s16, rate: Decoder.rate, channels: channels))
        timeline = AudioFrame.Timeline()
    }

    private func noteBad(_ packet: Packet) {
        if refused.count == 0 {
            context.log(
                .warning,
                "a packet of \(packet.count) bytes is not Opus; such packets are concealed and counted as bad_packets")
        }
        refused.add(1)
    }
}
