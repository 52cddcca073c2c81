import Bitstream
import CLibAV
import Sluice

/// Where a muxer's bytes go. Called on the lane of the muxer, inside its methods.
public protocol ByteSink: AnyObject {
    /// Takes all of `bytes`, or returns the errno that says why not.
    func write(_ bytes: UnsafeRawBufferPointer) -> Int32
    /// Moves to `offset` from the start; false where it cannot.
    func seek(to offset: Int64) -> Bool
    /// A muxer then goes back to fill in sizes and an index when it ends.
    var isSeekable: Bool { get }
    /// The most bytes that one `write` gets.
    var blockSize: Int { get }
}

extension ByteSink {
    public func seek(to offset: Int64) -> Bool { false }
    public var isSeekable: Bool { false }
    public var blockSize: Int { 32_768 }
}

/// A libavformat muxer that writes to a `ByteSink`, always bit-exact, and hands on every packet as soon as the
/// container allows. Packets should come in the order of their decoding times; times that do not rise within a stream,
/// which libavformat refuses, are moved up and counted. One lane only.
public final class Muxer {
    private let context: UnsafeMutablePointer<AVFormatContext>
    private let scratch: UnsafeMutablePointer<AVPacket>
    private let sink: any ByteSink
    private var options: [String: String]
    private var isOpen = false
    private var lastDts: [Int64] = []
    /// Streams whose packets of one byte the container refuses.
    private var lengthensOpus: [Bool] = []
    /// Streams of AAC whose packets lose their ADTS header: the file's header says the same.
    private var stripsADTS: [Bool] = []
    private let lengthened: UnsafeMutablePointer<UInt8>
    /// Packets whose times were moved.
    public private(set) var corrected = 0
    /// Packets that were left out, since they are none of their codec and the container looks at them.
    public private(set) var skipped = 0
    private let isTransportStream: Bool
    private let shortPacket: UnsafeMutableRawBufferPointer
    /// The errno of the sink's first failure; 0 while there is none.
    public private(set) var sinkError: Int32 = 0
    /// Writes what the container would hold back to fill its packets: MPEG-TS gathers small audio packets until the
    /// next one comes. Only for containers that may be flushed at any packet.
    public var writesThrough = false
    /// Media time that becomes 0 of the container.
    public var offset = MediaTime.zero

    /// `container` is libavformat's name: `webm`, `matroska`, `mpegts`, `wav`, `mp4`.
    public init(container: String, options: [String: String] = [:], to sink: any ByteSink) throws {
        LibAVLog.silence()
        var made: UnsafeMutablePointer<AVFormatContext>?
        guard avformat_alloc_output_context2(&made, nil, container, nil) >= 0, let made else {
            throw NodeError("libavformat has no muxer for \(container)")
        }
        context = made
        scratch = av_packet_alloc()
        shortPacket = .allocate(byteCount: 64, alignment: 1)
        lengthened = .allocate(capacity: 2 + MediaItem.Buffer.padding)
        lengthened.initialize(repeating: 0, count: 2 + MediaItem.Buffer.padding)
        self.sink = sink
        self.options = options
        isTransportStream = container == "mpegts"
        context.pointee.flags |=
            sluice_fmt_flag_bitexact() | sluice_fmt_flag_flush_packets() | sluice_fmt_flag_custom_io()
        context.pointee.max_delay = 0
        let size = Int32(sink.blockSize)
        let seek: (@convention(c) (UnsafeMutableRawPointer?, Int64, Int32) -> Int64)? = { opaque, offset, whence in
            Unmanaged<Muxer>.fromOpaque(opaque!).takeUnretainedValue().seek(offset, whence)
        }
        context.pointee.pb = avio_alloc_context(
            av_malloc(Int(size)), size, 1, Unmanaged.passUnretained(self).toOpaque(), nil,
            { opaque, bytes, count in
                Unmanaged<Muxer>.fromOpaque(opaque!).takeUnretainedValue().write(bytes, count)
            }, sink.isSeekable ? seek : nil)
    }

    deinit {
        shortPacket.deallocate()
        if let io = context.pointee.pb {
            av_free(io.pointee.buffer)
            avio_context_free(&context.pointee.pb)
        }
        avformat_free_context(context)
        lengthened.deallocate()
        var scratch: UnsafeMutablePointer<AVPacket>? = scratch
        av_packet_free(&scratch)
    }

    /// Whether the container can hold packets, or raw audio, of this kind, as far as libavformat knows beforehand: what
    /// it does not know of a container (MPEG-TS), `open` tells.
    public func takes(_ format: MediaFormat) -> Bool {
        var parameters = avcodec_parameters_alloc()
        defer { avcodec_parameters_free(&parameters) }
        guard (try? format.fill(parameters!)) != nil else { return false }
        return avformat_query_codec(context.pointee.oformat, parameters!.pointee.codec_id, FF_COMPLIANCE_NORMAL) != 0
    }

    /// Adds a stream before `open`; streams count from 0.
    public func add(_ format: MediaFormat) throws(AVError) {
        guard let stream = avformat_new_stream(context, nil) else { throw AVError(sluice_averror(ENOMEM)) }
        try format.fill(stream.pointee.codecpar)
        keepTag(of: stream.pointee.codecpar)
        // The header holds the parameter sets then, which is what players of Apple's want (ISO/IEC 14496-15, 8.4.1).
        if format.codec == MediaFormat.Codec("hevc"), String(cString: context.pointee.oformat.pointee.name) == "mp4" {
            stream.pointee.codecpar.pointee.codec_tag = 0x3163_7668  // hvc1
        }
        lastDts.append(.min)
        stripsADTS.append(format.codec == .aac && !format.configuration.isEmpty && !isTransportStream)
        lengthensOpus.append(format.codec == .opus && String(cString: context.pointee.oformat.pointee.name) == "mpegts")
        if let audio = format.audio {
            stream.pointee.time_base = AVRational(num: 1, den: Int32(clamping: audio.rate))
        } else {
            stream.pointee.time_base = AVRational(num: 1, den: 90_000)
            stream.pointee.sample_aspect_ratio = stream.pointee.codecpar.pointee.sample_aspect_ratio
            if let video = format.video { try DisplayMatrix.write(video, to: stream) }
            if let rate = format.video?.frameRate {
                stream.pointee.avg_frame_rate = AVRational(
                    num: Int32(clamping: rate.numerator), den: Int32(clamping: rate.denominator))
            }
        }
    }

    /// One codec may have several tags that mean several things, as each kind of pixels of UT Video has its own. A tag
    /// of another container counts where this one means the same by it; else the container's own is taken.
    private func keepTag(of parameters: UnsafeMutablePointer<AVCodecParameters>) {
        let isMatroska = String(cString: context.pointee.oformat.pointee.name) == "matroska"
        let meant =
            isMatroska
            ? av_codec_get_id(context.pointee.oformat.pointee.codec_tag, parameters.pointee.codec_tag)
            : AV_CODEC_ID_NONE
        if meant == AV_CODEC_ID_NONE || meant != parameters.pointee.codec_id { parameters.pointee.codec_tag = 0 }
    }

    /// Writes the header.
    public func open() throws(AVError) {
        var dictionary: OpaquePointer?
        for (key, value) in options { av_dict_set(&dictionary, key, value, 0) }
        let code = avformat_write_header(context, &dictionary)
        av_dict_free(&dictionary)
        try AVError.check(code)
        isOpen = true
        try flush()
    }

    /// Writes a packet of the stream that was added as number `stream`. Throws what libavformat or the sink says.
    public func write(_ packet: Packet, stream: Int) throws(AVError) {
        guard isTransportStream, packet.format.codec == .opus, packet.count < 2 else {
            return try write(packet, packet.bytes, stream)
        }
        // libavformat refuses Opus packets of one byte, which encoders send in silence (DTX).
        guard let known = OpusPacket(packet.bytes) else {
            skipped += 1
            return
        }
        known.writeEmptyWithCount(shortPacket)
        try write(packet, UnsafeRawBufferPointer(rebasing: shortPacket[..<2]), stream)
    }

    /// Raw samples.
    public func write(_ samples: AudioFrame, stream: Int) throws(AVError) {
        try write(samples, samples.bytes, stream)
    }

    private func write(_ item: MediaItem, _ whole: UnsafeRawBufferPointer, _ stream: Int) throws(AVError) {
        var bytes = whole
        if stripsADTS[stream], let size = ADTSHeader.size(bytes) {
            bytes = UnsafeRawBufferPointer(rebasing: bytes[size...])
        }
        if lengthensOpus[stream], bytes.count == 1, let longer = twoBytes(ofOpus: bytes[0]) {
            (lengthened[0], lengthened[1]) = longer
            bytes = UnsafeRawBufferPointer(start: lengthened, count: 2)
        }
        guard let base = bytes.baseAddress, !bytes.isEmpty else { return }
        // av_write_frame copies what it keeps of a packet without a reference of its own.
        scratch.pointee.data = UnsafeMutableRawPointer(mutating: base).assumingMemoryBound(to: UInt8.self)
        scratch.pointee.size = Int32(clamping: bytes.count)
        scratch.pointee.stream_index = Int32(stream)
        item.stamp(scratch, timeBase: context.pointee.streams[stream]!.pointee.time_base, offset: offset)
        rise(stream)
        let code = av_write_frame(context, scratch)
        scratch.pointee.data = nil
        scratch.pointee.size = 0
        if sinkError != 0 { throw AVError(sluice_averror(sinkError)) }
        try AVError.check(code)
        if writesThrough { try AVError.check(av_write_frame(context, nil)) }
        try flush()
    }

    private func rise(_ stream: Int) {
        let step: Int64 = context.pointee.oformat.pointee.flags & AVFMT_TS_NONSTRICT != 0 ? 0 : 1
        guard scratch.pointee.dts != sluice_no_pts() else { return }
        if lastDts[stream] != .min, scratch.pointee.dts < lastDts[stream] + step {
            scratch.pointee.dts = lastDts[stream] + step
            scratch.pointee.pts = max(scratch.pointee.pts, scratch.pointee.dts)
            corrected += 1
        }
        lastDts[stream] = scratch.pointee.dts
    }

    /// MPEG-TS: the tables stand before the next packet again, for somebody who begins to read there.
    public func repeatTables() {
        guard isTransportStream else { return }
        av_opt_set(context.pointee.priv_data, "mpegts_flags", "+resend_headers", 0)
    }

    /// Hands what is buffered to the sink.
    public func flush() throws(AVError) {
        avio_flush(context.pointee.pb)
        if sinkError != 0 { throw AVError(sluice_averror(sinkError)) }
        try AVError.check(context.pointee.pb.pointee.error)
    }

    /// Writes the container's end. Does nothing before `open`.
    public func finish() throws(AVError) {
        guard isOpen else { return }
        isOpen = false
        let code = av_write_trailer(context)
        if sinkError != 0 { throw AVError(sluice_averror(sinkError)) }
        try AVError.check(code)
        try flush()
    }

    private func write(_ bytes: UnsafePointer<UInt8>?, _ count: Int32) -> Int32 {
        guard sinkError == 0 else { return sluice_averror(sinkError) }
        sinkError = sink.write(UnsafeRawBufferPointer(start: bytes, count: Int(count)))
        return sinkError == 0 ? count : sluice_averror(sinkError)
    }

    private func seek(_ offset: Int64, _ whence: Int32) -> Int64 {
        // Only from the start: libavformat keeps the position itself and asks for a size nowhere in muxing.
        guard whence & ~sluice_seek_force() == SEEK_SET, sink.seek(to: offset) else {
            return Int64(sluice_averror(EINVAL))
        }
        return offset
    }
}
