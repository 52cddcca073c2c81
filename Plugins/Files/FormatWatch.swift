import Bitstream
import CLibAV
import LibAV
import Sluice

/// Finds where the packets of a spliced stream (MPEG-TS and the like) tell another size, rate or number of channels
/// than before, which libavformat tells only of the beginning. Decodes nothing.
final class FormatWatch {
    private struct Shape: Equatable { var first, second: Int }

    private let parser: PacketParser
    private var seen: Shape?

    /// nil where libavcodec has no parser for the stream.
    init?(_ parameters: UnsafePointer<AVCodecParameters>) {
        guard let made = PacketParser(parameters) else { return nil }
        parser = made
    }

    /// The format of this packet, a keyframe, where those before had `format`; nil where it is the same. It has no
    /// configuration: the packet carries it.
    func news(in packet: Packet, after format: MediaFormat) -> MediaFormat? {
        guard packet.header.flags.contains(.keyframe), let shape = shape(packet, format) else { return nil }
        guard let before = seen, before != shape else {
            seen = shape
            return nil
        }
        seen = shape
        guard let codec = format.codec else { return nil }
        if let audio = format.audio {
            // HE-AAC has twice the rate that its header says, and maybe two channels of one.
            guard audio.rate == before.first, audio.channels == before.second else { return nil }
            return MediaFormat(codec: codec, audio: AudioLayout(nil, rate: shape.first, channels: shape.second))
        }
        guard let video = format.video else { return nil }
        func layout(_ aspect: VideoLayout.PixelAspect) -> VideoLayout {
            VideoLayout(
                width: shape.first, height: shape.second, frameRate: video.frameRate, pixelAspect: aspect,
                orientation: video.orientation)
        }
        guard codec == .h264 || codec == MediaFormat.Codec("hevc") else {
            return MediaFormat(codec: codec, video: layout(video.pixelAspect))
        }
        let told = MediaFormat(codec: codec, video: layout(.square)).configured(by: packet)
        let stated = AVCConfiguration.parameterSets(of: told.configuration).lazy
            .compactMap { SequenceParameterSet($0)?.pixelAspect }.first
        let aspect = codec == .h264 ? stated.map { .init($0.width, $0.height) } : told.video?.pixelAspect
        return MediaFormat(codec: codec, video: layout(aspect ?? .square))
    }

    /// Width and height, or rate and channels; nil where the packet does not say.
    private func shape(_ packet: Packet, _ format: MediaFormat) -> Shape? {
        if format.kind.isAudio {
            if let header = MPEGAudioHeader(packet.bytes), format.codec != .aac {
                return Shape(first: header.rate, second: header.channels)
            }
            return ADTSHeader(packet.bytes).map { Shape(first: $0.rate, second: $0.channels) }
        }
        guard let told = parser.read(packet), told.width > 0, told.height > 0 else { return nil }
        return Shape(first: Int(told.width), second: Int(told.height))
    }

    /// Codecs whose packets say it.
    static func reads(_ codec: MediaFormat.Codec?) -> Bool {
        let names = ["h264", "hevc", "mpeg2video", "mpeg1video", "aac", "mp1", "mp2", "mp3"]
        return codec.map { names.contains($0.name) } ?? false
    }
}
