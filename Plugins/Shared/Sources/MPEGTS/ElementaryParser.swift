import Bitstream
import CLibAV
import LibAV
import Sluice

/// libavcodec's parser of one elementary stream: finds what a packet is, and cuts a PES packet of audio into frames. It
/// decodes nothing.
final class ElementaryParser {
    private let parser: UnsafeMutablePointer<AVCodecParserContext>
    private let context: UnsafeMutablePointer<AVCodecContext>
    private let isVideo: Bool
    /// Of the first packet of MPEG audio.
    private var beginning: (time: MediaTime, header: MPEGAudioHeader)?
    private var hasBegun = false
    /// Frames of MPEG audio that were given a time, the first two of them.
    private var settled = 0

    /// nil where libavcodec has no parser for `codec`. `isVideo`: whole access units come, which are not to be searched
    /// for their ends.
    init?(_ codec: MediaFormat.Codec, isVideo: Bool) {
        LibAVLog.silence()
        guard let made = av_parser_init(Int32(bitPattern: codec.id.rawValue)) else { return nil }
        guard let opened = avcodec_alloc_context3(nil) else {
            av_parser_close(made)
            return nil
        }
        opened.pointee.codec_id = codec.id
        opened.pointee.codec_type = isVideo ? AVMEDIA_TYPE_VIDEO : AVMEDIA_TYPE_AUDIO
        if isVideo { made.pointee.flags |= Int32(PARSER_FLAG_COMPLETE_FRAMES) }
        (parser, context, self.isVideo) = (made, opened, isVideo)
    }

    deinit {
        av_parser_close(parser)
        var context: UnsafeMutablePointer<AVCodecContext>? = context
        avcodec_free_context(&context)
    }

    struct Picture {
        var isKeyframe: Bool
        /// 0 before the first parameter sets.
        var width: Int
        var height: Int
        /// nil where this picture does not state it.
        var pixelAspect: VideoLayout.PixelAspect?
        /// In the order of display, and how much it rises from picture to picture.
        var number: Int
        var unit: Int
        /// nil where the stream states no rate.
        var duration: MediaTime?
    }

    /// Of a whole access unit, followed by 64 zero bytes.
    func picture(_ bytes: UnsafeRawBufferPointer) -> Picture {
        parse(bytes) { _ in }
        var (number, unit) = (Int(parser.pointee.output_picture_number), 1)
        var fields: Int64 = 1
        switch context.pointee.codec_id {
        // Fields are counted, and their rate is stated (ITU-T H.264, 8.2.1 and E.2.1).
        case AV_CODEC_ID_H264: (unit, fields) = (2, Int64(max(1, 2 / max(1, context.pointee.ticks_per_frame))))
        case AV_CODEC_ID_HEVC: break
        default: number = ElementaryParser.temporalReference(bytes) ?? 0
        }
        let rate = context.pointee.framerate
        let isRate = rate.num > 0 && rate.den > 0 && rate.num / rate.den <= 1_000
        // Parsers that know of no keyframes say -1.
        let isKeyframe =
            parser.pointee.key_frame == 1
            || parser.pointee.key_frame < 0 && parser.pointee.pict_type == Int32(bitPattern: AV_PICTURE_TYPE_I.rawValue)
        return Picture(
            isKeyframe: isKeyframe, width: Int(parser.pointee.width),
            height: Int(parser.pointee.height), pixelAspect: isKeyframe ? pixelAspect(bytes) : nil, number: number,
            unit: unit,
            duration: isRate ? MediaTime(Int64(rate.den) * fields, timescale: Int64(rate.num)) : nil)
    }

    private func pixelAspect(_ bytes: UnsafeRawBufferPointer) -> VideoLayout.PixelAspect? {
        switch context.pointee.codec_id {
        case AV_CODEC_ID_H264: StatedPixelAspect.h264(bytes)
        case AV_CODEC_ID_MPEG2VIDEO, AV_CODEC_ID_MPEG1VIDEO: StatedPixelAspect.mpeg2(bytes)
        default: nil
        }
    }

    /// The ten bits behind the start code of an MPEG-2 picture (ISO/IEC 13818-2, 6.2.3). They begin anew with each
    /// group of pictures, that is with a keyframe.
    private static func temporalReference(_ bytes: UnsafeRawBufferPointer) -> Int? {
        var index = 0
        while index + 6 <= bytes.count {
            if bytes[index] == 0, bytes[index + 1] == 0, bytes[index + 2] == 1, bytes[index + 3] == 0 {
                return Int(bytes[index + 4]) << 2 | Int(bytes[index + 5] >> 6)
            }
            index += 1
        }
        return nil
    }

    struct Frame {
        var bytes: UnsafeRawBufferPointer
        /// Hz; 0 where it is not known.
        var rate: Int
        var channels: Int
        /// Of each channel; 0 where it is not known.
        var samples: Int
        var codec: MediaFormat.Codec
        /// That of the packet in which it begins, of the first one there; nil for others.
        var time: MediaTime?
    }

    /// Calls `body` with each whole frame; what a later packet continues, or the next header ends, is kept for then.
    /// Without bytes it gives what is kept.
    func frames(_ bytes: UnsafeRawBufferPointer, at time: MediaTime? = nil, _ body: (Frame) -> Void) {
        noteBeginning(bytes, time)
        parse(bytes, at: time) { [context, parser] frame in
            let time = parser.pointee.pts == sluice_no_pts() ? nil : MediaTime(ticks: parser.pointee.pts)
            if ElementaryParser.isMPEGAudio(context.pointee.codec_id) {
                let header = MPEGAudioHeader(frame)
                return body(
                    Frame(
                        bytes: frame, rate: header?.rate ?? 0, channels: header?.channels ?? 0,
                        samples: header?.samples ?? 0, codec: .init("mp\(header?.layer ?? 3)"),
                        time: settle(time, header)))
            }
            // libavcodec does not trust an ADTS header, since HE-AAC doubles its rate; what a decoder is told stands
            // there all the same.
            if context.pointee.codec_id == AV_CODEC_ID_AAC, let header = ADTSHeader(frame) {
                return body(
                    Frame(
                        bytes: frame, rate: header.rate, channels: header.channels, samples: header.samples,
                        codec: .aac, time: time))
            }
            // Nor does it tell the channels of E-AC-3, which a dependent stream may add to.
            let told = Int(context.pointee.ch_layout.nb_channels)
            let channels =
                told == 0 && context.pointee.codec_id == AV_CODEC_ID_EAC3 ? ElementaryParser.eac3Channels(frame) : told
            body(
                Frame(
                    bytes: frame, rate: Int(context.pointee.sample_rate), channels: channels,
                    samples: Int(parser.pointee.duration),
                    codec: MediaFormat.Codec(context.pointee.codec_id), time: time))
        }
    }

    private static func isMPEGAudio(_ id: AVCodecID) -> Bool {
        id == AV_CODEC_ID_MP1 || id == AV_CODEC_ID_MP2 || id == AV_CODEC_ID_MP3
    }

    /// libavcodec's parser of MPEG audio tells rate and length only of later frames, and the first packet's time of the
    /// second frame. A first packet that begins with a frame has that one's.
    private func noteBeginning(_ bytes: UnsafeRawBufferPointer, _ time: MediaTime?) {
        guard !hasBegun, ElementaryParser.isMPEGAudio(context.pointee.codec_id) else { return }
        hasBegun = true
        if let time, let header = MPEGAudioHeader(bytes) { beginning = (time, header) }
    }

    /// A sender that begins again may tell the first packet's time once more: that of a later frame counts.
    private func settle(_ time: MediaTime?, _ header: MPEGAudioHeader?) -> MediaTime? {
        guard let beginning, settled < 2 else { return time }
        settled += 1
        if settled == 1 { return time ?? (beginning.header == header ? beginning.time : nil) }
        return time == beginning.time ? nil : time
    }

    /// Of the independent stream: acmod and lfeon of its header (ETSI TS 102 366, E.1.2.2); 0 where there is none.
    private static func eac3Channels(_ frame: UnsafeRawBufferPointer) -> Int {
        guard frame.count > 4, frame[0] == 0x0b, frame[1] == 0x77 else { return 0 }
        return [2, 1, 2, 3, 3, 4, 4, 5][Int(frame[4] >> 1 & 7)] + Int(frame[4] & 1)
    }

    private func parse(
        _ bytes: UnsafeRawBufferPointer, at time: MediaTime? = nil, _ body: (UnsafeRawBufferPointer) -> Void
    ) {
        var rest = bytes
        var pts = time?.ticks ?? sluice_no_pts()
        repeat {
            var out: UnsafeMutablePointer<UInt8>?
            var count: Int32 = 0
            let start = rest.baseAddress?.assumingMemoryBound(to: UInt8.self)
            let used = av_parser_parse2(
                parser, context, &out, &count, start, Int32(clamping: rest.count), pts, sluice_no_pts(), 0)
            if count > 0, let out { body(UnsafeRawBufferPointer(start: out, count: Int(count))) }
            // A frame that the next one's header ends comes out before anything of that is used.
            guard used > 0 || count > 0 else { return }
            if used > 0 { pts = sluice_no_pts() }
            rest = UnsafeRawBufferPointer(rebasing: rest[Int(used)...])
        } while !rest.isEmpty
    }
}
