import Bitstream
import CLibAV
import Sluice

/// A libavcodec decoder: packets in, AVFrames out. One lane only.
///
/// It carries `captured` and `epoch` from each packet to the frame that comes of it, through the decoder's reordering.
public final class Decoder {
    private let context: UnsafeMutablePointer<AVCodecContext>
    private let scratch: UnsafeMutablePointer<AVPacket>
    /// The frame that `receive` fills.
    public let frame: UnsafeMutablePointer<AVFrame>
    private var origins: [Origin] = []
    private let limit: UnsafeMutablePointer<sluice_picture_limit>
    private let pictures: PictureLimit
    /// The least grave message that tells of a damaged picture; nil of audio.
    private let gravity: Int32?
    private var damage: String?

    /// The header that a frame inherits of the packet it came from.
    public struct Origin: Sendable {
        /// In the decoder's time base.
        public var pts: Int64
        /// Of the packet.
        public var duration: MediaTime
        /// Of the packet, on the graph's clock.
        public var captured: Instant
        /// Of the packet.
        public var epoch: UInt32
        /// Of the packet.
        public var sourceClock: UInt16
    }

    /// One thread unless asked: more change the order of work and, in some codecs, add frames of delay.
    public struct Options: Sendable {
        /// Threads of libavcodec's own; 0 lets it choose.
        public var threads = 1
        /// Hands out each frame as soon as the codec allows.
        public var isLowDelay = false
        /// A larger picture is refused before it has memory.
        public var limit = PictureLimit()
        /// Refuses what is damaged, where libavcodec would make up the rest.
        public var isStrict = false
        /// One thread, and pictures up to the usual limit, unless it says otherwise.
        public init(threads: Int = 1, isLowDelay: Bool = false, limit: PictureLimit = PictureLimit()) {
            self.threads = threads
            self.isLowDelay = isLowDelay
            self.limit = limit
        }
    }

    /// For packets of `format`, with times in ticks of `MediaTime`.
    public convenience init(_ format: MediaFormat, _ options: Options = Options()) throws {
        var parameters = avcodec_parameters_alloc()
        defer { avcodec_parameters_free(&parameters) }
        do { try format.fill(parameters!) } catch {
            throw NodeError(
                "no decoder knows \(format)", advice: "Use a codec that libavcodec decodes: vp8, h264, opus, …",
                isInputError: true)
        }
        // A decoder's reading of the codec's own configuration must not hang on our guess at an OpusHead's pre-skip.
        parameters!.pointee.initial_padding = 0
        try self.init(parameters!, timeBase: .mediaTime, options)
    }

    /// For packets of a demuxer's stream.
    public init(_ parameters: UnsafePointer<AVCodecParameters>, timeBase: AVRational, _ options: Options = Options())
        throws
    {
        LibAVLog.silence()
        let name = String(cString: avcodec_get_name(parameters.pointee.codec_id))
        let (width, height) = (Int(parameters.pointee.width), Int(parameters.pointee.height))
        guard
            parameters.pointee.codec_type != AVMEDIA_TYPE_VIDEO
                || options.limit.holds(width: width, height: height)
        else {
            throw NodeError(
                "its pictures have \(width)x\(height), which is more than is decoded: \(options.limit.words)",
                advice: "Raise max_width, max_height or max_pixels if that is meant.", isInputError: true)
        }
        guard let codec = avcodec_find_decoder(parameters.pointee.codec_id), let made = avcodec_alloc_context3(codec)
        else {
            let isKnown = parameters.pointee.codec_id != AV_CODEC_ID_NONE
            throw NodeError(
                isKnown ? "libavcodec has no decoder for \(name)" : "libavformat does not know its codec",
                advice: "Convert the media to another codec first.", isInputError: true)
        }
        var opened: UnsafeMutablePointer<AVCodecContext>? = made
        made.pointee.thread_count = Int32(clamping: options.threads)
        made.pointee.pkt_timebase = timeBase
        if options.isStrict { made.pointee.err_recognition |= AV_EF_EXPLODE }
        if options.isLowDelay { made.pointee.flags |= sluice_codec_flag_low_delay() }
        let limit = UnsafeMutablePointer<sluice_picture_limit>.allocate(capacity: 1)
        limit.initialize(
            to: sluice_picture_limit(
                max_width: Int32(clamping: options.limit.width), max_height: Int32(clamping: options.limit.height),
                max_pixels: Int64(options.limit.pixels), refused_width: 0, refused_height: 0))
        sluice_limit_pictures(made, limit)
        var code = avcodec_parameters_to_context(made, parameters)
        if code >= 0 { code = avcodec_open2(made, codec, nil) }
        guard code >= 0 else {
            avcodec_free_context(&opened)
            limit.deallocate()
            throw NodeError("the \(name) decoder does not open: \(AVError.text(code))")
        }
        context = made
        self.limit = limit
        pictures = options.limit
        gravity = Decoder.gravity(of: parameters)
        scratch = av_packet_alloc()
        frame = av_frame_alloc()
    }

    deinit {
        var (context, scratch, frame):
            (UnsafeMutablePointer<AVCodecContext>?, UnsafeMutablePointer<AVPacket>?, UnsafeMutablePointer<AVFrame>?) =
                (context, scratch, frame)
        avcodec_free_context(&context)
        av_packet_free(&scratch)
        av_frame_free(&frame)
        limit.deallocate()
    }

    /// The size of a picture that was too large, once; nil while there was none.
    public func takeRefusedSize() -> (width: Int, height: Int)? {
        var height: Int32 = 0
        let width = sluice_take_refused(limit, &height)
        return width > 0 ? (Int(width), Int(height)) : nil
    }

    /// libavcodec's words on a picture whose missing parts it has made up, once; nil while there was none. It hands out
    /// such a picture as if it were whole. VP8 and VP9 tell nothing of it.
    public func takeDamage() -> String? {
        defer { damage = nil }
        return damage
    }

    /// Of each file of a still picture a mere warning tells that it is cut. Codecs whose pictures hang together warn of
    /// much besides.
    private static func gravity(of parameters: UnsafePointer<AVCodecParameters>) -> Int32? {
        guard parameters.pointee.codec_type == AVMEDIA_TYPE_VIDEO else { return nil }
        let properties = avcodec_descriptor_get(parameters.pointee.codec_id)?.pointee.props ?? 0
        return properties & sluice_codec_is_intra_only() != 0 ? AV_LOG_WARNING : AV_LOG_ERROR
    }

    private func hearing(_ call: () -> Int32) -> Int32 {
        guard let gravity else { return call() }
        let (code, words) = LibAVLog.listen(for: gravity, during: call)
        // An error is told by itself.
        if code >= 0, !words.isEmpty, damage == nil { damage = words }
        return code
    }

    /// Of the pictures, as far as it is known yet.
    var pixelAspect: VideoLayout.PixelAspect { VideoLayout.PixelAspect(context.pointee.sample_aspect_ratio) }

    /// Of the times that go in and come out, in s.
    public var timeBase: AVRational { context.pointee.pkt_timebase }

    /// The samples that come out, as far as the decoder knows before the first; nil where it does not, and of video.
    public var audioFormat: MediaFormat? {
        let told = context.pointee
        guard told.codec_type == AVMEDIA_TYPE_AUDIO, told.sample_fmt != AV_SAMPLE_FMT_NONE,
            (1...768_000).contains(told.sample_rate), (1...64).contains(told.ch_layout.nb_channels)
        else { return nil }
        return MediaFormat(
            audio: AudioLayout(
                AudioFrameMaker.sampleFormat(for: told.sample_fmt), rate: Int(told.sample_rate),
                channels: Int(told.ch_layout.nb_channels), speakers: told.ch_layout.speakers))
    }

    /// False where it wants its frames taken first; then send the same packet again.
    public func send(_ packet: Packet) throws(AVError) -> Bool {
        try packet.lend(to: scratch)
        defer { av_packet_unref(scratch) }
        packet.stamp(scratch, timeBase: timeBase)
        if packet.header.flags.contains(.decodeOnly) { scratch.pointee.flags |= sluice_pkt_flag_discard() }
        guard try send(scratch) else { return false }
        if origins.count >= 64 { origins.removeFirst(32) }
        origins.append(
            Origin(
                pts: scratch.pointee.pts, duration: packet.header.duration, captured: packet.header.captured,
                epoch: packet.header.epoch, sourceClock: packet.header.sourceClock))
        return true
    }

    /// The same with libav's own packet; nil says that no more come.
    public func send(_ packet: UnsafePointer<AVPacket>?) throws(AVError) -> Bool {
        let code = hearing { avcodec_send_packet(context, packet) }
        if code == AVError.again { return false }
        if packet == nil && code == AVError.endOfFile { return true }
        if code < 0, let packet { noteClaim(of: packet) }
        try AVError.check(code)
        return true
    }

    /// libavcodec refuses what has too many pixels without a word on its size.
    private func noteClaim(of packet: UnsafePointer<AVPacket>) {
        let codec = context.pointee.codec_id
        guard [AV_CODEC_ID_VP8, AV_CODEC_ID_H264].contains(codec), let data = packet.pointee.data,
            let size = PictureLimit.claim(
                of: UnsafeRawBufferPointer(start: data, count: Int(packet.pointee.size)),
                isVP8: codec == AV_CODEC_ID_VP8), !pictures.holds(width: size.width, height: size.height)
        else { return }
        sluice_note_refused(limit, Int32(clamping: size.width), Int32(clamping: size.height))
    }

    /// True if `frame` holds the next frame. False where more packets are wanted, or all came out.
    public func receive() throws(AVError) -> Bool {
        let code = hearing { avcodec_receive_frame(context, frame) }
        if code == AVError.again || code == AVError.endOfFile { return false }
        try AVError.check(code)
        // Threads of libavcodec's own are not heard.
        if damage == nil, frame.pointee.decode_error_flags != 0 { damage = "a part of it did not decode" }
        return true
    }

    /// When the frame is shown or heard.
    public var framePts: MediaTime { MediaTime(frame.pointee.best_effort_timestamp, timeBase) }
    /// `.none` where the decoder does not know it.
    public var frameDuration: MediaTime {
        frame.pointee.pkt_duration > 0 ? MediaTime(frame.pointee.pkt_duration, timeBase) : .none
    }

    /// The header that the frame inherits of its packet; nil for packets that were not sent as `Packet`, or have no
    /// times.
    public func takeOrigin() -> Origin? {
        guard let index = origins.firstIndex(where: { $0.pts == frame.pointee.best_effort_timestamp }) else {
            return origins.last
        }
        let origin = origins[index]
        origins.remove(at: index)
        return origin
    }

    /// Forgets everything: after a seek, a loss, or the end.
    public func flush() {
        avcodec_flush_buffers(context)
        origins.removeAll(keepingCapacity: true)
    }
}
