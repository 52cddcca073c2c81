import CLibAV
import LibAV
import Pacing
import Sluice

/// One encoder of libavcodec. Used by one lane at a time.
final class Encoder {
    private(set) var settings: Settings
    let backend: Backend
    /// Sequence and picture parameter sets, each behind a start code.
    let configuration: [UInt8]
    private let context: UnsafeMutablePointer<AVCodecContext>
    private let picture: UnsafeMutablePointer<AVFrame>
    private let packet: UnsafeMutablePointer<AVPacket>
    private let surfaces: Surfaces?
    /// A picture can be made a keyframe; if not, only a new encoder begins with one.
    let makesKeyframes: Bool
    private var interleaver = Interleaver()
    /// Pictures that were sent, and packets that came: they have one order.
    private var (sent, received) = (0, 0)
    private var clock: PictureClock
    private var schedule: KeyframeSchedule
    /// The last picture's time, in `Settings.timescale`.
    private var ticks: Int64 = -1
    /// Headers of pictures that the encoder holds, and their times.
    private var held = [(header: MediaItem.Header, ticks: Int64)](
        repeating: (MediaItem.Header(), 0), count: Encoder.mostHeld)
    private static let mostHeld = 64
    /// Ticks by which the last picture is ahead of its time.
    private var lead: Int64 = 0
    /// Milliseconds over which the bitrate is even.
    private var buffer = Encoder.usualBuffer
    /// The distance of pictures lately, in those of the rate that the encoder counts on.
    private var stretch = 1.0
    private static let usualBuffer = 500.0

    /// Throws `AVError` where libavcodec does, `Refusal` where this says why.
    init(_ settings: Settings, _ backend: Backend) throws {
        self.settings = settings
        self.backend = backend
        guard let codec = avcodec_find_encoder_by_name(backend.name) else {
            throw Refusal(description: "this libavcodec has none")
        }
        clock = PictureClock(
            nominal: MediaTime(
                Int64(settings.assumedRate.denominator), timescale: Int64(settings.assumedRate.numerator)))
        schedule = KeyframeSchedule(seconds: settings.keyframeInterval)
        makesKeyframes = Encoder.makesKeyframes(codec, backend)
        surfaces = backend.takesSurfaces ? try Surfaces(width: settings.width, height: settings.height) : nil
        // Asked for parameter sets apart, libx264 leaves them out of the stream, where a late receiver needs them.
        // Asked for both, it puts a message before the first ones that must not stand there. So one encoder tells,
        // another encodes.
        let told = try Encoder.makeContext(codec, settings, backend, surfaces, tellsConfiguration: true)
        configuration = [UInt8](
            UnsafeBufferPointer(start: told.pointee.extradata, count: Int(max(0, told.pointee.extradata_size))))
        Encoder.free(told)
        context = try Encoder.makeContext(codec, settings, backend, surfaces, tellsConfiguration: false)
        guard let picture = av_frame_alloc(), let packet = av_packet_alloc() else {
            Encoder.free(context)
            throw AVError(sluice_averror(ENOMEM))
        }
        self.picture = picture
        self.packet = packet
    }

    struct Refusal: Error, CustomStringConvertible { let description: String }

    deinit {
        var (picture, packet) = (Optional(picture), Optional(packet))
        av_frame_free(&picture)
        av_packet_free(&packet)
        Encoder.free(context)
    }

    private static func free(_ context: UnsafeMutablePointer<AVCodecContext>) {
        var context: UnsafeMutablePointer<AVCodecContext>? = context
        avcodec_free_context(&context)
    }

    private static func makeContext(
        _ codec: UnsafePointer<AVCodec>, _ settings: Settings, _ backend: Backend, _ surfaces: Surfaces?,
        tellsConfiguration: Bool
    ) throws -> UnsafeMutablePointer<AVCodecContext> {
        guard let context = avcodec_alloc_context3(codec) else { throw AVError(sluice_averror(ENOMEM)) }
        var isOpen = false
        defer { if !isOpen { free(context) } }
        context.pointee.width = Int32(settings.width)
        context.pointee.height = Int32(settings.height)
        context.pointee.pix_fmt = backend.pixels(for: settings.pixelFormat).av
        if let matrix = settings.colorMatrix { context.pointee.colorspace = matrix.av }
        if settings.pixelAspect != .square { context.pointee.sample_aspect_ratio = AVRational(settings.pixelAspect) }
        surfaces?.serve(context)
        let (rate, scale) = (settings.assumedRate, settings.timescale)
        context.pointee.framerate = AVRational(
            num: Int32(clamping: rate.numerator), den: Int32(clamping: rate.denominator))
        context.pointee.time_base = AVRational(
            num: Int32(clamping: scale.denominator), den: Int32(clamping: scale.numerator))
        // Longer than any stream where keyframes are asked for, as they are wherever the encoder can make one.
        let isRegular = settings.keyframeInterval > 0 && !makesKeyframes(codec, backend)
        context.pointee.gop_size =
            isRegular ? Int32(clamping: max(1, Int((settings.keyframeInterval * rate.perSecond).rounded()))) : 1 << 30
        context.pointee.max_b_frames = 0
        context.pointee.thread_count = Int32(settings.threads)
        setBitrate(context, settings.bitrate)
        if tellsConfiguration { context.pointee.flags |= sluice_codec_flag_global_header() }
        let forcing = makesKeyframes(codec, backend) ? backend.keyframeOption.map { [($0, "1")] } ?? [] : []
        for (name, value) in backend.options(settings) + forcing {
            let code = av_opt_set(context, name, value, sluice_opt_search_children())
            guard code >= 0 else { throw Refusal(description: "this libavcodec's takes no \(name)=\(value)") }
        }
        try AVError.check(avcodec_open2(context, codec, nil))
        isOpen = true
        return context
    }

    private static func makesKeyframes(_ codec: UnsafePointer<AVCodec>, _ backend: Backend) -> Bool {
        guard let option = backend.keyframeOption else { return true }
        // As libavutil has it: an object is a pointer to a pointer to its class.
        var options: UnsafePointer<AVClass>? = codec.pointee.priv_class
        return withUnsafeMutablePointer(to: &options) {
            av_opt_find($0, option, nil, 0, sluice_opt_search_fake_object()) != nil
        }
    }

    /// Constant: the most is the mean, over `buffer` milliseconds. The encoder counts pictures, each as long as its
    /// rate says: one that is `stretch` times as long may have so many times the bits.
    private static func setBitrate(
        _ context: UnsafeMutablePointer<AVCodecContext>, _ kilobits: Int, buffer: Double = usualBuffer,
        stretch: Double = 1
    ) {
        let bits = Int64(Double(kilobits) * 1_000 * stretch)
        context.pointee.bit_rate = bits
        context.pointee.rc_max_rate = bits
        context.pointee.rc_buffer_size = Int32(clamping: Int(Double(kilobits) * buffer))
    }

    /// libavcodec compares these with what it has before each picture, and reconfigures the encoder in its stride: no
    /// keyframe, the buffer as full as it is. False if that takes a new encoder.
    func change(bitrate: Int) -> Bool {
        guard !backend.reopensForBitrate else { return false }
        settings.bitrate = bitrate
        Encoder.setBitrate(context, bitrate, buffer: buffer, stretch: stretch)
        return true
    }

    /// Encodes a picture, where it lies if the encoder takes it so; it lives until libavcodec lets it go. `body` gets
    /// each packet's bytes, which last for the call, and the header of its picture.
    func encode(
        _ frame: VideoFrame, asKeyframe: Bool,
        _ body: (UnsafeRawBufferPointer, MediaItem.Header, _ isKeyframe: Bool) -> Void
    ) throws {
        do {
            let isTaken = backend.pixels.contains(settings.pixelFormat)
            try (isTaken ? frame : interleaver.nv12(frame)).lend(to: picture)
            defer { av_frame_unref(picture) }
            // Of odd sides the last column and row are left out.
            (picture.pointee.width, picture.pointee.height) = (Int32(settings.width), Int32(settings.height))
            let sent = try surfaces?.upload(picture) ?? picture
            let isKeyframe = advance(to: frame.header) || asKeyframe
            sent.pointee.pts = ticks
            sent.pointee.pict_type = isKeyframe ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE
            if isKeyframe { schedule.note(at: clock.time) }
            held[self.sent % Encoder.mostHeld] = (frame.header, ticks)
            self.sent += 1
            try AVError.check(avcodec_send_frame(context, sent))
            try drain(body)
        } catch { throw failure(error) }
    }

    /// Counts a picture's time. True where it is to be a regular keyframe.
    private func advance(to header: MediaItem.Header) -> Bool {
        clock.advance(to: header.pts, duration: header.duration)
        let (numerator, denominator) = (settings.timescale.numerator, settings.timescale.denominator)
        let exact = rescale(
            clock.time.rescaled(to: Int64(numerator)), from: Int64(denominator), to: 1)
        lead = max(ticks + 1, exact) - exact
        ticks = max(ticks + 1, exact)
        followRate()
        return makesKeyframes && schedule.isDue(at: clock.time)
    }

    /// The pictures come so much faster than was told that the encoder takes them for longer than they are.
    var isTooSlow: Bool {
        settings.frameRate != nil && Double(lead) > settings.timescale.perSecond / 2
    }

    /// Bits are for a time, not for a number of pictures, and the buffer holds two pictures at the mean bitrate. x264
    /// could be told of each picture's time (force-cfr=0), and would hold each back until the next one comes.
    private func followRate() {
        guard !backend.reopensForBitrate else { return }
        let wanted = max(500, min(4_000, clock.interval.milliseconds * 2))
        let longer = min(64, max(1 / 16, clock.interval.seconds * settings.assumedRate.perSecond))
        guard abs(wanted - buffer) > buffer / 4 || abs(longer - stretch) > stretch / 10 else { return }
        (buffer, stretch) = (wanted, longer)
        Encoder.setBitrate(context, settings.bitrate, buffer: buffer, stretch: stretch)
    }

    /// The packets that the encoder still holds.
    func finish(_ body: (UnsafeRawBufferPointer, MediaItem.Header, _ isKeyframe: Bool) -> Void) throws {
        do {
            try AVError.check(avcodec_send_frame(context, nil))
            try drain(body)
        } catch { throw failure(error) }
    }

    private func drain(_ body: (UnsafeRawBufferPointer, MediaItem.Header, _ isKeyframe: Bool) -> Void) throws(AVError) {
        while true {
            let code = avcodec_receive_packet(context, packet)
            if code == AVError.again || code == AVError.endOfFile { return }
            try AVError.check(code)
            // An encoder may leave a picture out.
            while received < sent - 1, held[received % Encoder.mostHeld].ticks < packet.pointee.pts { received += 1 }
            let header = held[received % Encoder.mostHeld].header
            received = min(received + 1, sent)
            let isKeyframe = packet.pointee.flags & sluice_pkt_flag_key() != 0
            body(
                UnsafeRawBufferPointer(start: packet.pointee.data, count: Int(packet.pointee.size)), header, isKeyframe)
            av_packet_unref(packet)
        }
    }

    private func failure(_ error: any Error) -> NodeError {
        NodeError("\(backend.name): encoding a picture failed (\(error))")
    }
}
