import Bitstream
import CLibAV
@_spi(LibAV) import Sluice

extension MediaFormat.Codec {
    /// libav's number for it; AV_CODEC_ID_NONE where libav does not know the name.
    public var id: AVCodecID { avcodec_descriptor_get_by_name(name)?.pointee.id ?? AV_CODEC_ID_NONE }

    /// The codec of libav's number, by libav's name.
    public init(_ id: AVCodecID) { self.init(String(cString: avcodec_get_name(id))) }
}

extension MediaFormat {
    /// The coded format that a demuxer or encoder describes. nil for streams that are neither audio nor video, and for
    /// sizes or rates that make no sense. `orientation` is that of pictures, which libav tells elsewhere.
    public convenience init?(
        _ parameters: AVCodecParameters, frameRate: AVRational = AVRational(num: 0, den: 1),
        orientation: VideoLayout.Orientation = .upright
    ) {
        let configuration = [UInt8](
            UnsafeBufferPointer(start: parameters.extradata, count: Int(max(0, parameters.extradata_size))))
        let codec = MediaFormat.Codec(parameters.codec_id)
        let bitrate = Int(clamping: max(0, parameters.bit_rate))
        let details = CodecDetails.of(parameters)
        switch parameters.codec_type {
        case AVMEDIA_TYPE_VIDEO:
            guard (1...32_768).contains(parameters.width), (1...32_768).contains(parameters.height) else { return nil }
            let rate =
                frameRate.num > 0 && frameRate.den > 0
                ? VideoLayout.FrameRate(Int(frameRate.num), Int(frameRate.den)) : nil
            let layout = VideoLayout(
                width: Int(parameters.width), height: Int(parameters.height), frameRate: rate,
                pixelAspect: VideoLayout.PixelAspect(parameters.sample_aspect_ratio), orientation: orientation)
            self.init(codec: codec, video: layout, configuration: configuration, bitrate: bitrate, details: details)
        case AVMEDIA_TYPE_AUDIO:
            let channels = parameters.ch_layout.nb_channels
            guard (1...768_000).contains(parameters.sample_rate), (1...64).contains(channels) else { return nil }
            let layout = AudioLayout(
                nil, rate: Int(parameters.sample_rate), channels: Int(channels),
                speakers: parameters.ch_layout.speakers)
            self.init(codec: codec, audio: layout, configuration: configuration, bitrate: bitrate, details: details)
        default: return nil
        }
    }

    /// libav's description of this format; raw audio counts as PCM, which is how containers take it. Throws where libav
    /// has no word for it.
    public func fill(_ parameters: UnsafeMutablePointer<AVCodecParameters>) throws(AVError) {
        if let video {
            parameters.pointee.codec_type = AVMEDIA_TYPE_VIDEO
            parameters.pointee.width = Int32(clamping: video.width)
            parameters.pointee.height = Int32(clamping: video.height)
            parameters.pointee.format = (video.pixelFormat ?? .i420).av.rawValue
            parameters.pointee.sample_aspect_ratio = AVRational(video.pixelAspect)
        }
        if let audio {
            parameters.pointee.codec_type = AVMEDIA_TYPE_AUDIO
            parameters.pointee.sample_rate = Int32(clamping: audio.rate)
            parameters.pointee.ch_layout = AVChannelLayout(audio)
        }
        switch (codec, audio?.sampleFormat) {
        case (let codec?, _): parameters.pointee.codec_id = codec.id
        case (nil, .s16): parameters.pointee.codec_id = AV_CODEC_ID_PCM_S16LE
        case (nil, .f32): parameters.pointee.codec_id = AV_CODEC_ID_PCM_F32LE
        case (nil, nil): parameters.pointee.codec_id = AV_CODEC_ID_RAWVIDEO
        }
        guard parameters.pointee.codec_id != AV_CODEC_ID_NONE else { throw AVError(AVError.invalidData) }
        CodecDetails.fill(parameters, from: details)
        if let sampleFormat = audio?.sampleFormat {
            parameters.pointee.format = sampleFormat.av.rawValue
            parameters.pointee.bits_per_coded_sample = Int32(sampleFormat.bytes * 8)
            parameters.pointee.block_align = Int32(clamping: audio?.bytesPerSample ?? 0)
        }
        parameters.pointee.bit_rate = Int64(bitrate)
        try fillConfiguration(parameters)
    }

    private func fillConfiguration(_ parameters: UnsafeMutablePointer<AVCodecParameters>) throws(AVError) {
        let bytes = configuration
        if codec == .opus {
            // Both in samples of 48 kHz, which is what Opus streams are declared as. A decoder converges within 80 ms
            // (RFC 7845, section 4.6).
            parameters.pointee.sample_rate = 48_000
            parameters.pointee.initial_padding = Int32(OpusHead(bytes)?.preSkip ?? 0)
            parameters.pointee.seek_preroll = 3_840
        }
        guard !bytes.isEmpty else { return }
        let size = bytes.count + MediaItem.Buffer.padding
        guard let memory = av_mallocz(size) else { throw AVError(sluice_averror(ENOMEM)) }
        memory.copyMemory(from: bytes, byteCount: bytes.count)
        av_freep(&parameters.pointee.extradata)
        parameters.pointee.extradata = memory.assumingMemoryBound(to: UInt8.self)
        parameters.pointee.extradata_size = Int32(clamping: bytes.count)
    }
}
