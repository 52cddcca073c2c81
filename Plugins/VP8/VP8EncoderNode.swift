import Geometry
import Pacing
import Sluice

/// Encodes i420 pictures to VP8 with libvpx, one packet a picture and no delay.
///
/// The pictures are encoded where they lie. The encoder's own clock only rises (`PictureClock`), and keyframes are due
/// by it, whatever the rate. Packets keep the times of their pictures.
public final class VP8EncoderNode: Node {
    public static let descriptor = NodeDescriptor(
        "vp8-encoder", summary: "Encodes pictures to VP8", work: .heavy,
        example: #""vp8": { "type": "vp8-encoder", "bitrate_kbps": 1500, "gop_s": 2 }"#,
        relief: "Lower the size or fps of the pictures, or cpu_used.")

    let input = Input<VideoFrame>("in", .video([.i420]))
    let output = Output<Packet>("out", .codedVideo([.vp8]))
    let keyframe = RequestInput("keyframe", help: "Makes the next picture a keyframe.")

    @Live(
        "bitrate_kbps", default: 1_500, range: 10...200_000,
        help: "The bitrate in kb/s.")
    var bitrate: Double
    @Parameter(
        "gop_s", default: 2, range: 0...3_600,
        help: "The longest time between two keyframes in s. 0 makes keyframes only on request.")
    var gop: Double
    @Parameter(
        "cpu_used", default: -8, range: -16...16,
        help: "The trade of speed against quality. -16 is the fastest. From 0 up it follows the wall clock.")
    var cpuUsed: Int
    @Parameter("threads", default: 1, range: 1...16, help: "The number of encoder threads.")
    var threads: Int
    @Parameter(
        "error_resilient", default: false,
        help: "Lets a decoder go on after a lost packet, at the cost of some bitrate.")
    var isErrorResilient: Bool

    private var encoder: Encoder?
    private var packetFormat: MediaFormat?
    private var pool = Pool<Packet>()
    /// Room of a packet, a power of two that rises with the largest, so that packets soon stop growing.
    private var room = 4_096
    private var clock = PictureClock(nominal: MediaTime(1, timescale: 30))
    /// The last picture's time, in `Encoder.timescale`.
    private var ticks: Int64 = -1
    /// libvpx takes the rate from the ends of pictures, so all last equally long: the distance of their ends is that of
    /// their times.
    private var length: Int64 = 3_000
    private var schedule = KeyframeSchedule(seconds: 0)
    /// Since the last keyframe.
    private var pictures = 0
    /// More pictures come than the format says.
    private var isRateWrong = false
    private var skipped: Metric.Counter!
    private var hasSaidMatrix = false
    private var losses = Losses()
    private var context: NodeContext!

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        skipped = context.counter("skipped_frames")
        schedule = KeyframeSchedule(seconds: gop)
        if cpuUsed > 0 {
            let text =
                "cpu_used \(cpuUsed) tunes itself by the wall clock, so equal input gives other bytes on a busy machine"
            if context.isVirtual {
                throw NodeError(text, advice: "Use 0 or less under the virtual clock.", isInputError: true)
            }
            context.log(.warning, "\(text); use \(-cpuUsed)")
        }
        if let format = input.format {
            try follow(format)
            output.fix(packetFormat!)
        }
    }

    public func process(now: Instant) throws {
        if $bitrate.takeChange(), let encoder {
            try encoder.change(bitrate: Int(bitrate.rounded()), keyframeDistance: encoder.settings.keyframeDistance)
        }
        while let frame = input.next() {
            if input.formatChanged || encoder == nil { try follow(frame.format) }
            losses.tellFields(of: frame, "encoded", context)
            try encode(frame)
        }
    }

    public func close() { encoder = nil }

    private func encode(_ frame: VideoFrame) throws {
        guard let encoder, let packetFormat else { return }
        let duration = frame.header.duration
        clock.advance(to: frame.header.pts, duration: duration)
        let (isDue, isAsked) = (schedule.isDue(at: clock.time), keyframe.take())
        pictures += 1
        // libvpx makes the keyframe of this picture by its own count. A forced one is coarser, and the next is large.
        let isItsOwn = encoder.settings.keyframeDistance > 0 && pictures == encoder.settings.keyframeDistance
        var gavePacket = false
        ticks = max(ticks + 1, clock.time.rescaled(to: Encoder.timescale))
        try encoder.encode(
            frame, at: ticks, duration: length, asKeyframe: isAsked || isDue && !isItsOwn
        ) { bytes, isKeyframe in
            if isKeyframe { noteKeyframe(isEarly: !isDue && !isAsked) }
            while room < bytes.count { room *= 2 }
            let packet = pool.take(packetFormat, count: room)
            packet.reset(format: packetFormat, count: bytes.count)
            packet.mutableBytes.copyMemory(from: bytes)
            packet.header = frame.header
            packet.header.dts = frame.header.pts
            packet.header.flags.subtract([.keyframe, .interlaced, .bottomFieldFirst])
            if isKeyframe { packet.header.flags.insert(.keyframe) }
            gavePacket = true
            output.send(packet)
        }
        if !gavePacket { skipped.add(1) }
        if isRateWrong, encoder.settings.keyframeDistance > 0 {
            try encoder.change(bitrate: encoder.settings.bitrate, keyframeDistance: 0)
        }
    }

    /// libvpx counts pictures: where they come faster than was assumed, its own keyframes come too early.
    private func noteKeyframe(isEarly: Bool) {
        let distance = encoder?.settings.keyframeDistance ?? 0
        if isEarly, distance > 0, pictures >= distance { isRateWrong = true }
        pictures = 0
        schedule.note(at: clock.time)
    }

    /// Pictures from one keyframe to the next at most, as libvpx wants them. 0 where that is unknown: then keyframes
    /// come by time alone.
    private func distance(_ rate: VideoLayout.FrameRate?) -> Int {
        rate.map { max(0, Int((gop * $0.perSecond).rounded())) } ?? 0
    }

    private static let fastest = 500.0

    /// nil where it is unknown or no use: 1000 a second and the like are what demuxers guess of times in ms.
    private func usable(_ rate: VideoLayout.FrameRate?) -> VideoLayout.FrameRate? {
        guard let rate, rate.numerator > 0, rate.denominator > 0, 1...VP8EncoderNode.fastest ~= rate.perSecond else {
            return nil
        }
        return rate
    }

    private static func length(_ rate: VideoLayout.FrameRate?) -> Int64 {
        rate.map { max(1, rescale(Encoder.timescale, from: Int64($0.numerator), to: Int64($0.denominator))) } ?? 3_000
    }

    /// An encoder for pictures of this format: the same one where only the frame rate is new.
    private func follow(_ format: MediaFormat) throws {
        guard let layout = format.video else { return }
        if layout.colorMatrix == .bt709 && !hasSaidMatrix {
            hasSaidMatrix = true
            context.log(
                .info,
                "VP8's colours are BT.601 by its definition, and BT.709 comes in: they will be a little off. Set \"color_matrix\": \"bt601\" on a video-convert before it."
            )
        }
        let rate = usable(layout.frameRate)
        length = VP8EncoderNode.length(rate)
        let settings = Encoder.Settings(
            width: layout.width, height: layout.height, bitrate: Int(bitrate.rounded()),
            keyframeDistance: distance(isRateWrong ? nil : rate), cpuUsed: cpuUsed, threads: threads,
            isErrorResilient: isErrorResilient)
        if let encoder, encoder.settings.width == layout.width, encoder.settings.height == layout.height {
            try encoder.change(bitrate: settings.bitrate, keyframeDistance: settings.keyframeDistance)
        } else {
            guard 1...Encoder.largestSide ~= layout.width, 1...Encoder.largestSide ~= layout.height else {
                throw NodeError(
                    "VP8 has no pictures of \(layout.width)x\(layout.height)",
                    advice: "Put a video-convert before it: each side is 1 to \(Encoder.largestSide).",
                    isInputError: true)
            }
            encoder = nil
            encoder = try Encoder(settings)
        }
        // A bit a pixel, which hardly a keyframe needs.
        while room < layout.width * layout.height / 8 { room *= 2 }
        packetFormat = MediaFormat(
            codec: .vp8,
            video: VideoLayout(
                width: layout.width, height: layout.height, frameRate: rate, pixelAspect: layout.pixelAspect),
            bitrate: settings.bitrate * 1_000)
    }
}
