import Bitstream
import COpus
import Sluice

/// Encodes PCM to Opus.
///
/// Samples are counted from the last discontinuity on, and every timestamp is computed from the count. A rest that does
/// not fill an Opus frame is carried over into the next one. Only where the samples end, jump, change epoch or come to
/// a fence is a frame filled up with silence. Its duration then says how much of it is real. Opus delays the signal by
/// its lookahead (RFC 7845 calls it pre-skip). So a packet's pts lies that much before the first sample that went into
/// it. The decoder's samples are then heard at exactly that time.
public final class OpusEncoderNode: Node {
    public static let descriptor = NodeDescriptor(
        "opus-encoder", summary: "Encodes PCM to Opus",
        example: #""opus": { "type": "opus-encoder", "profile": "lowdelay", "bitrate_kbps": 96 }"#)

    let input = Input<AudioFrame>(
        "in", .audio([.s16, .f32], rates: [8_000, 12_000, 16_000, 24_000, 48_000], channels: [1, 2]),
        variants: [
            .init(
                parameter: "profile", value: .string(Profile.lowdelay.rawValue),
                formats: .audio([.s16, .f32], rates: [48_000], channels: [1, 2]))
        ])
    let output = Output<Packet>("out", .codedAudio([.opus]))
    let reset = RequestInput(
        "reset", help: "Encodes the next frame as the first one, for a decoder that begins with it.")

    @Parameter(
        "profile", default: .audio,
        help:
            "A set of defaults: audio, lowdelay (48 kHz stereo with the least delay and CPU) or voip (speech)."
    )
    var profile: Profile
    @Live(
        "bitrate_kbps", default: 64, range: 6...510,
        help: "The bitrate in kb/s. lowdelay takes 128, voip 32.")
    var bitrate: Double
    @Live(
        "loss_percent", default: 0, range: 0...100, help: "The packet loss that the encoder prepares for, in percent.")
    var loss: Int
    @Parameter(
        "frame_ms", default: 20, range: 2.5...60,
        help: "The length of a packet in ms: 2.5, 5, 10, 20, 40 or 60. lowdelay takes 10.")
    var frameLength: Double
    @Parameter(
        "application", default: .audio,
        help: "The kind of encoding: audio, voip (speech) or lowdelay (2.5 ms of delay instead of 6.5). "
            + "The profile sets it.")
    var application: Application
    @Parameter(
        "vbr", default: true,
        help: "Lets the size of packets vary around the bitrate. false, as under lowdelay, makes all alike.")
    var vbr: Bool
    @Parameter(
        "complexity", default: 5, range: 0...10,
        help: "The trade of CPU against quality. 0 is the cheapest and the one of lowdelay.")
    var complexity: Int
    @Parameter(
        "channels", default: 0, range: 0...2,
        help: "The number of channels. "
            + "1 (voip) mixes stereo down, 2 (lowdelay) doubles mono, 0 keeps the number that comes.")
    var channels: Int
    @Parameter(
        "fec", default: false,
        help: "Puts a copy of the last speech frame into each packet, if loss_percent asks for it.")
    var fec: Bool
    @Parameter("dtx", default: false, help: "Sends next to nothing during silence.")
    var dtx: Bool
    @Parameter("signal", default: .auto, help: "The kind of audio: voice or music. auto lets libopus decide.")
    var signal: Signal
    @Parameter(
        "bandwidth", default: .full, help: "The highest frequency that is kept: 4, 6, 8, 12 or 20 kHz.")
    var bandwidth: Bandwidth

    private var settings = Profile.audio.settings
    private var encoder: Encoder?
    private var layout = AudioLayout(.s16, rate: 48_000, channels: 2)
    /// The input of the encoder: `layout`, or both sides made of its mono.
    private var coded = AudioLayout(.s16, rate: 48_000, channels: 2)
    private var widens: Bool { coded.channels != layout.channels }
    private var packetFormat: MediaFormat?
    private var pool = Pool<Packet>()
    /// Samples of one Opus frame at the input's rate.
    private var frameSamples = 0
    /// Counts what was received; `encoded` of it, and silence, went into packets.
    private var timeline = AudioFrame.Timeline()
    private var encoded: Int64 = 0
    private var carry = MediaItem.Buffer(capacity: 0)
    private var carried = 0
    /// The header of the frame that the first carried sample came with.
    private var carriedHeader = MediaItem.Header()
    private var marksDiscontinuity = false
    private var hasEncoded = false
    private var lastEnd = MediaTime.zero

    /// The largest a packet of up to 60 ms can be is 3 × 1275 bytes and a few of framing (RFC 6716, section 3.2).
    private static let largestPacket = 4_000

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        settings = chosen
        guard [2.5, 5, 10, 20, 40, 60].contains(frameLength) else {
            throw NodeError(
                "frame_ms is \(ParameterValue.number(frameLength)), which is no length of an Opus frame",
                advice: "Use 2.5, 5, 10, 20, 40 or 60.", isInputError: true)
        }
        let format = input.format ?? MediaFormat(audio: layout)
        let delay = try open(format.audio ?? layout)
        if input.format == nil { encoder = nil } else { output.fix(packetFormat!) }
        output.latency = .init(min: Interval(delay), max: Interval(delay) + .seconds(settings.frameLength / 1_000))
    }

    public func process(now: Instant) throws {
        if $bitrate.takeChange() {
            settings.bitrate = bitrate
            encoder?.set(bitrate: Int(bitrate * 1_000))
        }
        if $loss.takeChange() { encoder?.set(lossPercent: loss) }
        if reset.take() { encoder?.reset() }
        while let frame = input.next() { try take(frame) }
        if input.takeFence() && carried > 0 { try endStretch() }
    }

    /// The profile's settings, and over them what the graph says.
    private var chosen: OpusSettings {
        var settings = profile.settings
        if $application.isGiven { settings.application = application }
        if $frameLength.isGiven { settings.frameLength = frameLength }
        if $bitrate.isGiven { settings.bitrate = bitrate }
        if $vbr.isGiven { settings.isVBR = vbr }
        if $complexity.isGiven { settings.complexity = complexity }
        if $channels.isGiven { settings.channels = channels }
        (settings.fec, settings.dtx, settings.signal, settings.bandwidth) = (fec, dtx, signal, bandwidth)
        return settings
    }

    public func finish(now: Instant) throws -> Bool {
        // The samples that the encoder's delay still holds come out with the silence that pushes it.
        while let encoder, encoded < timeline.count + Int64(encoder.lookahead) { try encodePadded() }
        return true
    }

    public func close() { encoder = nil }

    private func take(_ frame: AudioFrame) throws {
        if input.formatChanged || encoder == nil {
            try endStretch()
            try open(frame.layout)
        } else if carried > 0 && carriedHeader.epoch != frame.header.epoch || !timeline.isContinued(by: frame.header) {
            try endStretch()
        }
        if !timeline.isStarted {
            marksDiscontinuity = hasEncoded || frame.header.flags.contains(.discontinuity)
            timeline = AudioFrame.Timeline(
                start: frame.header.pts.isKnown ? frame.header.pts : lastEnd, rate: layout.rate)
            encoded = 0
        }
        timeline.advance(frame.sampleCount)

        let bytesPerSample = layout.bytesPerSample
        var next = UnsafeRawPointer(frame.buffer.bytes)
        var left = frame.sampleCount
        while left > 0 && (carried > 0 || widens) {
            if carried == 0 { carriedHeader = frame.header }
            let taken = min(frameSamples - carried, left)
            append(next, samples: taken)
            next += taken * bytesPerSample
            left -= taken
            guard carried == frameSamples else { return }
            carried = 0
            try encode(UnsafeRawPointer(carry.bytes), from: carriedHeader)
        }
        while left >= frameSamples {
            try encode(next, from: frame.header)
            next += frameSamples * bytesPerSample
            left -= frameSamples
        }
        if left > 0 {
            carriedHeader = frame.header
            append(next, samples: left)
        }
    }

    private func append(_ pcm: UnsafeRawPointer, samples: Int) {
        let place = carry.bytes + carried * coded.bytesPerSample
        carried += samples
        switch (widens, layout.sampleFormat) {
        case (false, _): place.copyMemory(from: pcm, byteCount: samples * layout.bytesPerSample)
        case (true, .f32): duplicate(pcm.assumingMemoryBound(to: Float.self), to: place, samples)
        case (true, _): duplicate(pcm.assumingMemoryBound(to: Int16.self), to: place, samples)
        }
    }

    private func duplicate<Sample>(_ mono: UnsafePointer<Sample>, to place: UnsafeMutableRawPointer, _ samples: Int) {
        let both = place.assumingMemoryBound(to: Sample.self)
        for index in 0..<samples {
            both[2 * index] = mono[index]
            both[2 * index + 1] = mono[index]
        }
    }

    /// The next samples do not continue those so far: what is carried goes out, and counting starts anew. The
    /// encoder's delay is not pushed out, since its packets would overlap those of what comes next.
    private func endStretch() throws {
        guard timeline.isStarted else { return }
        if carried > 0 { try encodePadded() }
        lastEnd = timeline.end
        timeline = AudioFrame.Timeline()
    }

    private func encodePadded() throws {
        let real = carried * coded.bytesPerSample
        (carry.bytes + real).initializeMemory(
            as: UInt8.self, repeating: 0, count: frameSamples * coded.bytesPerSample - real)
        carried = 0
        try encode(UnsafeRawPointer(carry.bytes), from: carriedHeader)
    }

    /// Encodes one frame of PCM that begins with samples of `origin` and sends it.
    private func encode(_ pcm: UnsafeRawPointer, from origin: MediaItem.Header) throws {
        guard let encoder, let packetFormat, let samples = layout.sampleFormat else { return }
        let packet = pool.take(packetFormat, count: OpusEncoderNode.largestPacket)
        let count = try encoder.encode(pcm, samples, samples: frameSamples, into: packet.mutableBytes)
        packet.reset(format: packetFormat, count: count)
        let first = encoded - Int64(encoder.lookahead)
        packet.header.pts = timeline.time(of: first)
        packet.header.dts = packet.header.pts
        packet.header.duration = timeline.time(of: min(first + Int64(frameSamples), timeline.count)) - packet.header.pts
        packet.header.captured = origin.captured
        packet.header.epoch = origin.epoch
        packet.header.sourceClock = origin.sourceClock
        packet.header.flags = marksDiscontinuity ? [.keyframe, .discontinuity] : .keyframe
        marksDiscontinuity = false
        hasEncoded = true
        carriedHeader = origin
        encoded += Int64(frameSamples)
        output.send(packet)
    }

    /// An encoder for this layout, and its delay. Only another rate or number of channels needs a new one.
    @discardableResult
    private func open(_ new: AudioLayout) throws -> MediaTime {
        let taken = AudioLayout(
            new.sampleFormat, rate: new.rate, channels: max(new.channels, settings.channels))
        if encoder == nil || taken.rate != coded.rate || taken.channels != coded.channels {
            let fresh = try Encoder(rate: taken.rate, channels: taken.channels, settings)
            fresh.set(bitrate: Int(settings.bitrate * 1_000))
            fresh.set(lossPercent: loss)
            encoder = fresh
        }
        (layout, coded) = (new, taken)
        frameSamples = Int(settings.frameLength * Double(new.rate) / 1_000)
        carry = MediaItem.Buffer(capacity: frameSamples * taken.bytesPerSample)
        let delay = encoder!.lookahead
        let channels = settings.channels > 0 ? settings.channels : new.channels
        let head = OpusHead(channels: channels, preSkip: delay * 48_000 / new.rate, inputRate: new.rate)
        packetFormat = MediaFormat(
            codec: .opus, audio: AudioLayout(nil, rate: 48_000, channels: channels), configuration: head.bytes,
            bitrate: Int(settings.bitrate * 1_000))
        return MediaTime(Int64(delay), timescale: Int64(new.rate))
    }
}
