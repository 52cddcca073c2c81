import Sluice

/// Encodes pictures to H.264 Constrained Baseline at a constant bitrate: no B-frames, no keyframes but the regular and
/// the asked ones, one packet a picture and no delay. Every keyframe carries the parameter sets (Annex B).
///
/// The profile bytes are 42 c0, which RFC 6184 (table 5) counts as Constrained Baseline like WebRTC's 42 e0; the level is
/// the lowest that holds size, rate and bitrate. Pictures are encoded where they lie.
public final class H264EncoderNode: Node {
    public static let descriptor = NodeDescriptor(
        "h264-encoder", summary: "Encodes pictures to H.264 Constrained Baseline", work: .heavy,
        example: #""h264": { "type": "h264-encoder", "bitrate_kbps": 3000, "gop_s": 1 }"#)

    let input = Input<VideoFrame>("in", .video([.i420, .nv12]))
    let output = Output<Packet>("out", .codedVideo([.h264]))
    let keyframe = RequestInput("keyframe", help: "makes the next picture a keyframe")

    @Live(
        "bitrate_kbps", default: 3_000, range: 16...800_000,
        help: "bits a second in thousands; may change while running")
    var bitrate: Double
    @Parameter("gop_s", default: 1, range: 0...3_600, help: "time between keyframes in s; 0: only on request")
    var gop: Double
    @Parameter("level", default: "auto", help: "auto, or a level of H.264 such as 3.1; one that is too low is refused")
    var levelName: String
    @Parameter(
        "nal_hrd", default: .cbr,
        help: "cbr fills up to the exact bitrate, and a new bitrate then begins with a keyframe; none changes smoothly")
    var hrd: HRD
    @Parameter("preset", default: .ultrafast, help: "speed against quality, in x264's words")
    var preset: Preset
    @Parameter(
        "threads", default: 1, range: 1...16,
        help: "encoder threads; with more than one, bytes may differ from run to run")
    var threads: Int

    enum Preset: String, CaseIterable, ParameterConvertible {
        case ultrafast, superfast, veryfast, faster, fast, medium
    }

    private var encoder: Encoder?
    private var packetFormat: MediaFormat?
    private var pool = Pool<Packet>()
    /// Room of a packet, a power of two that rises with the largest, so that packets soon stop growing.
    private var room = 4_096

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        if levelName != "auto" && Level(named: levelName) == nil {
            throw NodeError(
                "level is \"\(levelName)\", which H.264 does not have",
                advice: "Use auto or one of \(Level.all.map(\.description).joined(separator: ", ")).",
                isInputError: true)
        }
        if let format = input.format {
            try follow(format)
            output.fix(packetFormat!)
        }
    }

    public func process(now: Instant) throws {
        if $bitrate.takeChange() { try changeBitrate() }
        while let frame = input.next() {
            if input.formatChanged || encoder == nil { try follow(frame.format) }
            try encoder?.encode(frame, asKeyframe: keyframe.take(), send)
        }
    }

    public func finish(now: Instant) throws -> Bool {
        try encoder?.finish(send)
        return true
    }

    public func close() { encoder = nil }

    private func send(_ bytes: UnsafeRawBufferPointer, _ header: Header, isKeyframe: Bool) {
        guard let packetFormat else { return }
        while room < bytes.count { room *= 2 }
        let packet = pool.take(packetFormat, count: room)
        packet.reset(format: packetFormat, count: bytes.count)
        packet.mutableBytes.copyMemory(from: bytes)
        packet.header = header
        packet.header.dts = header.pts
        packet.header.byteCount = bytes.count
        packet.header.flags.remove(.keyframe)
        if isKeyframe { packet.header.flags.insert(.keyframe) }
        output.send(packet)
    }

    /// An encoder for pictures of this format, opened anew where the one there is made for another.
    private func follow(_ format: MediaFormat) throws {
        guard let layout = format.video, let pixels = layout.pixelFormat else { return }
        guard layout.width % 2 == 0, layout.height % 2 == 0, layout.width > 0, layout.height > 0 else {
            let (width, height) = (max(2, layout.width & ~1), max(2, layout.height & ~1))
            throw NodeError(
                "4:2:0 H.264 takes even sides, not \(layout.width)x\(layout.height)",
                advice: "Put a video-convert with \"width\": \(width), \"height\": \(height) before it.",
                isInputError: true)
        }
        let rate = usable(layout.frameRate)
        let kilobits = Int(bitrate.rounded())
        let load = Level.Load(
            width: layout.width, height: layout.height, framesPerSecond: rate.perSecond, bitrate: kilobits)
        let settings = Settings(
            width: layout.width, height: layout.height, pixelFormat: pixels, frameRate: rate, bitrate: kilobits,
            keyframeDistance: gop > 0 ? max(1, Int((gop * rate.perSecond).rounded())) : nil,
            level: try level(for: load, layout), hrd: hrd, preset: preset.rawValue, threads: threads)
        guard settings != encoder?.settings else { return }
        try encoder?.finish(send)
        encoder = nil
        let fresh = try Encoder.open(settings)
        encoder = fresh
        let size = VideoLayout(width: layout.width, height: layout.height, frameRate: layout.frameRate)
        // A bit a pixel, which hardly a keyframe needs.
        while room < layout.width * layout.height / 8 { room *= 2 }
        packetFormat = MediaFormat(
            codec: .h264, video: size, configuration: fresh.configuration, bitrate: kilobits * 1_000)
    }

    /// 30 where it is unknown or no use.
    private func usable(_ rate: FrameRate?) -> FrameRate {
        guard let rate, rate.numerator > 0, rate.denominator > 0, rate.numerator <= 1 << 30,
            rate.denominator <= 1 << 30,
            1...1_000 ~= rate.perSecond
        else { return FrameRate(30) }
        return rate
    }

    private func level(for load: Level.Load, _ layout: VideoLayout) throws -> Level {
        let what = "\(layout.width)x\(layout.height) at \(usable(layout.frameRate)) has \(load)"
        guard let lowest = Level.lowest(for: load) else {
            throw NodeError(
                "no level of H.264 holds it: \(what)", advice: "Lower the size, the rate or bitrate_kbps.",
                isInputError: true)
        }
        guard levelName != "auto", let asked = Level(named: levelName) else { return lowest }
        guard asked.holds(load) else {
            throw NodeError(
                "level \(asked) does not hold it: \(what), level \(asked) at most \(asked.maxSize), \(asked.maxRate) and \(asked.maxBitrate)",
                advice: "Use \"level\": \"\(lowest)\" or \"auto\".", isInputError: true)
        }
        return asked
    }

    /// Without a break where the encoder can and the level holds it, else in a new encoder that begins with a keyframe.
    /// The format stays where only the HRD is new, which the stream itself repeats; another level is another format.
    private func changeBitrate() throws {
        guard let encoder, let format = packetFormat, let size = format.video else { return }
        var settings = encoder.settings
        settings.bitrate = Int(bitrate.rounded())
        let load = Level.Load(
            width: settings.width, height: settings.height, framesPerSecond: settings.frameRate.perSecond,
            bitrate: settings.bitrate)
        if !settings.level.holds(load) {
            if levelName == "auto", let higher = Level.lowest(for: load) {
                settings.level = higher
            } else {
                settings.bitrate = settings.level.maxBitrate
            }
        }
        guard settings != encoder.settings else { return }
        if settings.level == encoder.settings.level && encoder.change(bitrate: settings.bitrate) { return }
        try encoder.finish(send)
        self.encoder = nil
        let fresh = try Encoder.open(settings)
        self.encoder = fresh
        guard settings.level != encoder.settings.level else { return }
        packetFormat = MediaFormat(
            codec: .h264, video: size, configuration: fresh.configuration, bitrate: settings.bitrate * 1_000)
    }
}
