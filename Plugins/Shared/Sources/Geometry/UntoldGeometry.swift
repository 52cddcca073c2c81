import Bitstream
import Sluice

/// Losses of pictures at a sink that has no word for their geometry.
extension VideoLayout {
    /// One sentence for each of both that `sink` ("RTP", "a transport stream") cannot say of these pictures; empty
    /// where nothing is lost.
    public func untold(by sink: String, turn: Bool, pixels: Bool) -> [String] {
        var sentences: [String] = []
        if turn && orientation != .upright {
            sentences.append(
                "pictures are to be \(orientation), and \(sink) cannot say so: they are shown as they are stored. "
                    + "A video-decoder and an encoder before it turn them.")
        }
        if pixels && pixelAspect != .square {
            sentences.append(
                "pixels are to be shown \(pixelAspect), and \(sink) cannot say so: pictures are shown out of shape. "
                    + "A video-convert with \"pixels\": \"square\" before it makes them square.")
        }
        return sentences
    }
}

extension MediaFormat {
    /// The packets themselves say the shape of the pixels, or may do so. VP8 has no word for it; H.264 says it where
    /// its parameter sets do (ITU-T H.264, table E-1).
    public var tellsPixelAspect: Bool {
        guard let video, codec != .vp8 else { return false }
        guard codec == .h264, !configuration.isEmpty else { return true }
        let sets = AVCConfiguration.parameterSets(of: configuration).lazy.compactMap { SequenceParameterSet($0) }
        let told = sets.first?.pixelAspect.map { VideoLayout.PixelAspect($0.width, $0.height) }
        return (told ?? .square) == video.pixelAspect
    }
}
