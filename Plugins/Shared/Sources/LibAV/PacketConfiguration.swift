import CLibAV
@_spi(LibAV) import Sluice

extension MediaFormat {
    /// Files such as mp4 and Matroska want the codec's configuration before the first packet, and this format has none:
    /// the stream carries it in its packets. H.264 and HEVC do so in Annex B form, AAC in ADTS, AV1 in its temporal
    /// units.
    public var lacksConfiguration: Bool { configuration.isEmpty && codec?.configurationFilter != nil }

    /// This format with the configuration that `packet`, a keyframe, carries. The same format where it lacks none, or
    /// where the packet carries none.
    public func configured(by packet: Packet) -> MediaFormat {
        guard lacksConfiguration, let codec, let name = codec.configurationFilter,
            let found = try? extractConfiguration(from: packet, with: name), !found.isEmpty
        else { return self }
        if let video {
            let format = MediaFormat(
                codec: codec, video: video, configuration: found, bitrate: bitrate, details: details)
            return format.withStatedPixelAspect
        }
        guard let audio else { return self }
        return MediaFormat(codec: codec, audio: audio, configuration: found, bitrate: bitrate, details: details)
    }

    /// With the shape of pixels that the configuration states, as far as libavcodec's decoder tells when it opens:
    /// HEVC's does.
    private var withStatedPixelAspect: MediaFormat {
        guard let video, let codec, video.pixelAspect == .square, codec == MediaFormat.Codec("hevc"),
            let stated = (try? Decoder(self))?.pixelAspect, stated != .square
        else { return self }
        let layout = VideoLayout(
            width: video.width, height: video.height, frameRate: video.frameRate, pixelAspect: stated,
            orientation: video.orientation)
        return MediaFormat(
            codec: codec, video: layout, configuration: configuration, bitrate: bitrate, details: details)
    }

    private func extractConfiguration(from packet: Packet, with name: String) throws(AVError) -> [UInt8] {
        LibAVLog.silence()
        var filter: UnsafeMutablePointer<AVBSFContext>?
        try AVError.check(av_bsf_alloc(av_bsf_get_by_name(name), &filter))
        var scratch = av_packet_alloc()
        defer {
            av_packet_free(&scratch)
            av_bsf_free(&filter)
        }
        guard let filter, let scratch else { throw AVError(sluice_averror(ENOMEM)) }
        try fill(filter.pointee.par_in)
        try AVError.check(av_bsf_init(filter))
        try packet.lend(to: scratch)
        try AVError.check(av_bsf_send_packet(filter, scratch))
        try AVError.check(av_bsf_receive_packet(filter, scratch))
        var count = 0
        guard let bytes = av_packet_get_side_data(scratch, AV_PKT_DATA_NEW_EXTRADATA, &count), count > 0 else {
            return []
        }
        return [UInt8](UnsafeBufferPointer(start: bytes, count: count))
    }
}

extension MediaFormat.Codec {
    /// libav's bitstream filter that finds the configuration in a packet; nil where it knows none for this codec.
    fileprivate var configurationFilter: String? {
        if self == .aac { return "aac_adtstoasc" }
        guard var known = av_bsf_get_by_name("extract_extradata")?.pointee.codec_ids else { return nil }
        let id = id
        while known.pointee != AV_CODEC_ID_NONE {
            if known.pointee == id { return "extract_extradata" }
            known += 1
        }
        return nil
    }
}
