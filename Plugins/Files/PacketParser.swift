import CLibAV
import LibAV
import Sluice

/// libavcodec's parser for whole packets of one stream, which decodes nothing. Of the lane that reads the file.
final class PacketParser {
    private let parser: UnsafeMutablePointer<AVCodecParserContext>
    private let context: UnsafeMutablePointer<AVCodecContext>

    /// nil where libavcodec has no parser for the stream.
    init?(_ parameters: UnsafePointer<AVCodecParameters>) {
        guard let made = av_parser_init(Int32(bitPattern: parameters.pointee.codec_id.rawValue)) else { return nil }
        guard let opened = avcodec_alloc_context3(nil) else {
            av_parser_close(made)
            return nil
        }
        avcodec_parameters_to_context(opened, parameters)
        made.pointee.flags |= Int32(PARSER_FLAG_COMPLETE_FRAMES)
        (parser, context) = (made, opened)
    }

    deinit {
        av_parser_close(parser)
        var context: UnsafeMutablePointer<AVCodecContext>? = context
        avcodec_free_context(&context)
    }

    /// The parser's state behind the packet; nil for an empty one. Packets are padded, since it reads behind their end.
    func read(_ packet: Packet) -> AVCodecParserContext? {
        var out: UnsafeMutablePointer<UInt8>?
        var count: Int32 = 0
        let bytes = packet.bytes
        guard let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return nil }
        _ = av_parser_parse2(
            parser, context, &out, &count, start, Int32(clamping: bytes.count), sluice_no_pts(), sluice_no_pts(), 0)
        return parser.pointee
    }
}
