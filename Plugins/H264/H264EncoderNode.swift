import Geometry
import Sluice

/// Encodes pictures to H.264 Constrained Baseline at a constant bitrate: no B-frames, no keyframes but the regular and
/// the asked ones, one packet a picture and no delay. Every keyframe carries the parameter sets (Annex B).
///
/// The encoder is the first of `encoders` that opens. The level is the lowest that holds size, rate and bitrate, a
/// bitrate of 10 Mb/s at least. A stream cannot take another level without a new start, and so a live bitrate seldom
/// outgrows it. libx264 writes the profile as 42 c0, which RFC 6184 (table 5) counts as Constrained Baseline like
/// WebRTC's 42 e0.
public final class H264EncoderNode: Node {
    public static let descriptor = NodeDescriptor(
        "h264-encoder", summary: "Encodes pictures to H.264 Constrained Baseline", work: .heavy,
        example: #""h264": { "type": "h264-encoder", "bitrate_kbps": 3000, "gop_s": 1 }"#,
        relief: "Lower the size or fps of the pictures, or choose a faster preset.")

    let input = Input<VideoFrame>("in", .video([.i420, .nv12]))
    let output = Output<Packet>("out", .codedVideo([.h264]))
    let keyframe = RequestInput("keyframe", help: "Makes the next picture a keyframe.")

    @Live(
        "bitrate_kbps", default: 3_000, range: 16...800_000,
        help: "The bitrate in kb/s, evened out over half a second.")
    var bitrate: Double
    @Parameter(
        "gop_s", default: 1, range: 0...3_600,
        help: "The time between two keyframes in s. 0 makes keyframes only on request.")
    var gop: Double
    @Parameter(
        "encoders", default: Backend.all.map(\.name).joined(separator: ","),
        help:
            "The encoders of libavcodec in the order in which they are tried. "
            + "The virtual clock tries libx264 alone, unless this is given."
    )
    var encoders: String
    @Parameter(
        "level", default: "auto",
        help:
            "The H.264 level, such as 3.1. "
            + "auto takes the lowest that holds the stream at bitrate_kbps, or at 10000 kb/s if that is more."
    )
    var levelName: String
    @Parameter("preset", default: .ultrafast, help: "The trade of speed against quality, in x264's words.")
    var preset: Preset
    @Parameter(
        "threads", default: 1, range: 1...16,
        help: "The number of encoder threads. With more than one, bytes may differ from run to run.")
    var threads: Int

    private var backends: [Backend] = []
    private var encoder: Encoder?
    private var packetFormat: MediaFormat?
    private var pool = Pool<Packet>()
    /// Room of a packet, a power of two that rises with the largest, so that packets soon stop growing.
    private var room = 4_096
    private var hasSaidLimit = false
    private var losses = Losses()
    private var isRateWrong = false
    private var context: NodeContext!

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        // Which devices a machine has must not decide what virtual time gives.
        backends =
            context.isVirtual && !$encoders.isGiven ? [.libx264] : try Backend.named(encoders)
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
            losses.tellFields(of: frame, "encoded", context)
            let asKeyframe = keyframe.take()
            if asKeyframe, let encoder, !encoder.makesKeyframes { _ = try reopen(encoder.settings) }
            try encoder?.encode(frame, asKeyframe: asKeyframe, send)
            if let encoder, encoder.isTooSlow { try distrustRate(encoder) }
        }
    }

    public func finish(now: Instant) throws -> Bool {
        try encoder?.finish(send)
        return true
    }

    public func close() { encoder = nil }

    private func send(_ bytes: UnsafeRawBufferPointer, _ header: MediaItem.Header, isKeyframe: Bool) {
        guard let packetFormat else { return }
        while room < bytes.count { room *= 2 }
        let packet = pool.take(packetFormat, count: room)
        packet.reset(format: packetFormat, count: bytes.count)
        packet.mutableBytes.copyMemory(from: bytes)
        packet.header = header
        packet.header.dts = header.pts
        packet.header.flags.subtract([.keyframe, .interlaced, .bottomFieldFirst])
        if isKeyframe { packet.header.flags.insert(.keyframe) }
        output.send(packet)
    }

    /// An encoder for pictures of this format, opened anew where the one there is made for another.
    private func follow(_ format: MediaFormat) throws {
        guard let layout = format.video, let pixels = layout.pixelFormat else { return }
        let (width, height) = (layout.width & ~1, layout.height & ~1)
        guard width > 0, height > 0 else {
            throw NodeError(
                "4:2:0 H.264 has no pictures of \(layout.width)x\(layout.height)",
                advice: "Put a video-convert before it: each side is 2 or more.", isInputError: true)
        }
        if width != layout.width || height != layout.height {
            losses.tell(
                [
                    "4:2:0 H.264 has even sides: pictures of \(layout.width)x\(layout.height) become \(width)x\(height), "
                        + "without their last \(width == layout.width ? "row" : height == layout.height ? "column" : "column and row")"
                ], context)
        }
        let rate = isRateWrong ? nil : usable(layout.frameRate)
        var kilobits = Int(bitrate.rounded())
        // Of a level that the graph asks for, only its own bitrate is an error, not one that was set since.
        if encoder != nil, let asked = Level(named: levelName) { kilobits = min(kilobits, asked.maxBitrate) }
        let settings = Settings(
            width: width, height: height, pixelFormat: pixels, frameRate: rate,
            colorMatrix: layout.colorMatrix, pixelAspect: layout.pixelAspect, bitrate: kilobits,
            keyframeInterval: gop, level: try level(for: layout, rate ?? VideoLayout.FrameRate(30), kilobits),
            preset: preset,
            threads: threads)
        guard settings != encoder?.settings else { return }
        let fresh = try reopen(settings)
        let size = VideoLayout(
            width: width, height: height, frameRate: rate, pixelAspect: layout.pixelAspect)
        // A bit a pixel, which hardly a keyframe needs.
        while room < layout.width * layout.height / 8 { room *= 2 }
        packetFormat = MediaFormat(
            codec: .h264, video: size, configuration: fresh.configuration, bitrate: kilobits * 1_000)
    }

    /// nil where it is unknown or no use: 1000 a second and the like are what demuxers guess of times in ms.
    private func usable(_ rate: VideoLayout.FrameRate?) -> VideoLayout.FrameRate? {
        guard let rate, rate.numerator > 0, rate.denominator > 0, rate.numerator <= 1 << 30,
            rate.denominator <= 1 << 30, 1...500 ~= rate.perSecond
        else { return nil }
        return rate
    }

    /// More pictures come than the format says.
    private func distrustRate(_ old: Encoder) throws {
        isRateWrong = true
        var settings = old.settings
        context.log(
            .info,
            "pictures come faster than the \(settings.assumedRate) that their format says: time is taken from each picture from here on"
        )
        settings.frameRate = nil
        _ = try reopen(settings)
    }

    /// Ends the encoder there is and opens one anew: the kind that opened before, if that still does.
    private func reopen(_ settings: Settings) throws -> Encoder {
        try encoder?.finish(send)
        let last = encoder?.backend.name
        encoder = nil
        let selection = try Selection(
            settings, of: backends.filter { $0.name == last } + backends.filter { $0.name != last })
        if selection.encoder.backend.name != last { context.log(.info, selection.sentence) }
        encoder = selection.encoder
        return selection.encoder
    }

    private func level(for layout: VideoLayout, _ rate: VideoLayout.FrameRate, _ kilobits: Int) throws -> Level {
        func load(_ bitrate: Int) -> Level.Load {
            Level.Load(width: layout.width, height: layout.height, framesPerSecond: rate.perSecond, bitrate: bitrate)
        }
        let what = "\(layout.width)x\(layout.height) at \(rate) has \(load(kilobits))"
        guard let lowest = Level.lowest(for: load(kilobits)) else {
            throw NodeError(
                "no level of H.264 holds it: \(what)", advice: "Lower the size, the rate or bitrate_kbps.",
                isInputError: true)
        }
        guard levelName != "auto", let asked = Level(named: levelName) else {
            return Level.lowest(for: load(max(kilobits, H264EncoderNode.liveBitrate))) ?? lowest
        }
        guard asked.holds(load(kilobits)) else {
            throw NodeError(
                "level \(asked) does not hold it: \(what), level \(asked) at most \(asked.maxSize), \(asked.maxRate) and \(asked.maxBitrate)",
                advice: "Use \"level\": \"\(lowest)\" or \"auto\".", isInputError: true)
        }
        return asked
    }

    /// In kb/s: up to this a live bitrate stays within the level that was chosen.
    private static let liveBitrate = 10_000

    /// Without a break where the encoder can, else in a new one that begins with a keyframe; within the level, which
    /// the stream has declared. The format stays: nobody downstream has to follow a bitrate.
    private func changeBitrate() throws {
        guard let encoder else { return }
        var settings = encoder.settings
        let asked = Int(bitrate.rounded())
        settings.bitrate = min(asked, settings.level.maxBitrate)
        if settings.bitrate < asked && !hasSaidLimit {
            hasSaidLimit = true
            context.log(
                .warning,
                "bitrate_kbps \(asked) is more than level \(settings.level) holds, and held at \(settings.bitrate); begin with a higher \"level\" to go above"
            )
        }
        guard settings != encoder.settings, !encoder.change(bitrate: settings.bitrate) else { return }
        _ = try reopen(settings)
    }
}
