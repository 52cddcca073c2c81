import LibAV
import Sluice

/// Encodes PCM to AAC (Low Complexity), in raw frames with the configuration in the format.
///
/// Samples are counted from the last discontinuity on, and every timestamp is computed from the count. AAC delays the
/// signal by a packet of 1,024 samples. So a packet's pts lies that much before the first sample that went into it, and
/// the decoder's samples are heard at exactly their time. Where the samples end, jump, change epoch or come to a fence,
/// the encoder is emptied with silence; the last packet's duration says how much of it is real. Then a fresh encoder
/// begins.
public final class AACEncoderNode: Node {
    public static let descriptor = NodeDescriptor(
        "aac-encoder", summary: "Encodes PCM to AAC", example: #""aac": { "type": "aac-encoder", "bitrate_kbps": 128 }"#
    )

    let input = Input<AudioFrame>(
        "in",
        .audio(
            [.s16, .f32],
            rates: [
                7_350, 8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 64_000, 88_200, 96_000,
            ], channels: Array(1...8)))
    let output = Output<Packet>("out", .codedAudio([.aac]))

    @Live("bitrate_kbps", default: 128, range: 8...1_024, help: "The bitrate of all channels together in kb/s.")
    var bitrate: Double

    private var encoder: Encoder?
    private var packetFormat: MediaFormat?
    private var pool = Pool<Packet>()
    private var layout = AudioLayout(.s16, rate: 48_000, channels: 2)
    /// Counts what was received since the encoder began.
    private var timeline = AudioFrame.Timeline()
    /// Samples in the block that is being filled.
    private var carried = 0
    /// Blocks that were encoded, and packets that came of them, since the encoder began.
    private var (blocks, packets) = (0, 0)
    /// Headers of the frames with which the latest blocks begin.
    private var origins = [MediaItem.Header](repeating: MediaItem.Header(), count: 4)
    private var marksDiscontinuity = false
    private var hasEncoded = false
    private var lastEnd = MediaTime.zero

    /// The largest packet of eight channels (ISO/IEC 14496-3, 4.5.1.1): 6,144 bits of each.
    private static let largestPacket = 768 * 8 + 64

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        if let told = input.format?.audio {
            try open(told)
            output.fix(packetFormat!)
        }
        let block = MediaTime(Int64(Encoder.block), timescale: Int64(layout.rate))
        output.latency = .init(min: Interval(block * 2), max: Interval(block * 3))
    }

    public func process(now: Instant) throws {
        if $bitrate.takeChange() { encoder?.set(bitrate: Int(bitrate * 1_000)) }
        while let frame = input.next() { try take(frame) }
        if input.takeFence() { try endStretch() }
    }

    public func finish(now: Instant) throws -> Bool {
        try endStretch()
        return true
    }

    public func close() { encoder = nil }

    private func take(_ frame: AudioFrame) throws {
        let isOther = input.formatChanged && !isSame(frame.layout)
        if timeline.isStarted && (isOther || epoch != frame.header.epoch || !timeline.isContinued(by: frame.header)) {
            try endStretch()
        }
        if encoder == nil || isOther { try open(frame.layout) }
        layout = frame.layout
        if !timeline.isStarted {
            marksDiscontinuity = hasEncoded || frame.header.flags.contains(.discontinuity)
            timeline = AudioFrame.Timeline(
                start: frame.header.pts.isKnown ? frame.header.pts : lastEnd, rate: layout.rate)
        }
        var taken = 0
        while taken < frame.sampleCount {
            if carried == 0 { origins[blocks & 3] = frame.header }
            let count = min(Encoder.block - carried, frame.sampleCount - taken)
            try encoder?.fill(frame, from: taken, count: count, at: carried)
            carried += count
            taken += count
            timeline.advance(count)
            if carried == Encoder.block { try encode() }
        }
    }

    private var epoch: UInt32 { origins[(carried > 0 ? blocks : blocks - 1) & 3].epoch }

    /// The encoder takes both sample formats.
    private func isSame(_ other: AudioLayout) -> Bool {
        other.rate == layout.rate && other.channels == layout.channels && other.speakers == layout.speakers
    }

    private func encode() throws {
        carried = 0
        blocks += 1
        try encoder?.encode(send)
    }

    private func send(_ bytes: UnsafeRawBufferPointer) {
        guard let packetFormat else { return }
        // The first packet has nothing but the beginning of the first block's slope.
        let first = Int64(packets - 1) * Int64(Encoder.block)
        let origin = origins[max(0, packets - 1) & 3]
        packets += 1
        guard first < timeline.count else { return }
        let packet = pool.take(packetFormat, count: max(bytes.count, AACEncoderNode.largestPacket))
        packet.reset(format: packetFormat, count: bytes.count)
        packet.mutableBytes.copyMemory(from: bytes)
        packet.header.pts = timeline.time(of: first)
        packet.header.dts = packet.header.pts
        packet.header.duration =
            timeline.time(of: min(first + Int64(Encoder.block), timeline.count)) - packet.header.pts
        packet.header.captured = origin.captured
        packet.header.epoch = origin.epoch
        packet.header.sourceClock = origin.sourceClock
        packet.header.flags = marksDiscontinuity ? [.keyframe, .discontinuity] : .keyframe
        marksDiscontinuity = false
        hasEncoded = true
        output.send(packet)
    }

    /// Pushes out what was taken, behind silence, and forgets the encoder.
    private func endStretch() throws {
        guard timeline.isStarted, timeline.count > 0, let encoder else { return }
        // Packets whose first sample is one of those taken.
        let wanted = 1 + Int((timeline.count + Int64(Encoder.block) - 1) / Int64(Encoder.block))
        while packets < wanted {
            try encoder.silence(from: carried)
            if carried == 0 { origins[blocks & 3] = origins[(blocks - 1) & 3] }
            try encode()
        }
        lastEnd = timeline.end
        timeline = AudioFrame.Timeline()
        (carried, blocks, packets) = (0, 0, 0)
        self.encoder = nil
    }

    private func open(_ new: AudioLayout) throws {
        layout = new
        let fresh = try Encoder(new, bitrate: Int(bitrate * 1_000))
        encoder = fresh
        guard packetFormat?.configuration != fresh.configuration || packetFormat?.audio?.speakers != new.speakers else {
            return
        }
        packetFormat = MediaFormat(
            codec: .aac,
            audio: AudioLayout(nil, rate: new.rate, channels: new.channels, speakers: new.speakers),
            configuration: fresh.configuration, bitrate: Int(bitrate * 1_000))
    }
}
