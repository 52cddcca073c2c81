import Bitstream
import Sluice

/// Losses of pictures at a sink that has no word for their geometry.
extension VideoLayout {
    /// One sentence for each of both that `sink` ("RTP", "a transport stream") cannot say of these pictures; empty
    /// where nothing is lost. `shape` is that in which players show the pixels behind the sink; nil where it is right.
    public func untold(by sink: String, turn: Bool, shownIn shape: PixelAspect?) -> [String] {
        var sentences: [String] = []
        if turn && orientation != .upright {
            sentences.append(
                "pictures are to be \(orientation), and \(sink) cannot say so: they are shown as they are stored. "
                    + "A video-decoder and an encoder before it turn them.")
        }
        guard let shape, shape != pixelAspect else { return sentences }
        if shape == .square {
            sentences.append(
                "pixels are to be shown \(pixelAspect), and \(sink) cannot say so: pictures are shown out of shape. "
                    + "A video-convert with \"pixels\": \"square\" before it makes them square.")
        } else {
            sentences.append(
                "pixels are to be shown \(pixelAspect), and the packets say \(shape), by which \(sink) goes: pictures "
                    + "are shown out of shape. A video-decoder and an encoder before it say the right one.")
        }
        return sentences
    }
}

extension MediaFormat {
    /// The shape of the pixels that the packets say by themselves, square where they say none; nil where it is that of
    /// the format, or unknown. VP8 has no word for it; H.264 says it where its parameter sets do (ITU-T H.264, table
    /// E-1).
    public var statedPixelAspect: VideoLayout.PixelAspect? {
        guard let video else { return nil }
        guard codec != .vp8 else { return .square }
        guard codec == .h264, !configuration.isEmpty else { return nil }
        let sets = AVCConfiguration.parameterSets(of: configuration).lazy.compactMap { SequenceParameterSet($0) }
        let told = sets.first?.pixelAspect.map { VideoLayout.PixelAspect($0.width, $0.height) } ?? .square
        return told == video.pixelAspect ? nil : told
    }
}
