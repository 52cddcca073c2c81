import CLibAV
import Sluice

/// Makes `VideoFrame`s of decoded AVFrames: in the decoder's own memory where the engine has a word for them, else
/// converted by libswscale into pooled memory. Pictures in full range (0–255), as cameras and JPEG make them, come out
/// in the limited range that all YUV here has.
public final class VideoFrameMaker {
    private var format: MediaFormat?
    private var pool = Pool<VideoFrame>()
    private var scaler: OpaquePointer?
    private let frameRate: FrameRate?
    private let wanted: PixelFormat?
    private let told: VideoLayout.PixelAspect

    /// `pixels` is what all pictures become; nil leaves those that the engine has a word for and makes i420 of others.
    /// `aspect` is that of the container, for pictures that do not say their own.
    public init(
        frameRate: FrameRate?, pixels: PixelFormat? = nil, aspect: VideoLayout.PixelAspect = .square
    ) {
        self.frameRate = frameRate
        wanted = pixels
        told = aspect
    }

    deinit { sws_freeContext(scaler) }

    /// `picture` is blank afterwards. Header times are left to the caller. Throws where libswscale does not take the
    /// picture.
    public func make(_ picture: UnsafeMutablePointer<AVFrame>) throws -> VideoFrame {
        let source = AVPixelFormat(picture.pointee.format)
        let isFull = picture.pointee.color_range == AVCOL_RANGE_JPEG || source.isFullRange
        let layout = VideoLayout(
            width: Int(picture.pointee.width), height: Int(picture.pointee.height),
            pixelFormat: wanted ?? PixelFormat(source) ?? .i420, frameRate: frameRate,
            colorMatrix: VideoLayout.ColorMatrix(picture.pointee.colorspace),
            pixelAspect: picture.pointee.sample_aspect_ratio.num > 0
                ? VideoLayout.PixelAspect(picture.pointee.sample_aspect_ratio) : told)
        if format?.video != layout { format = MediaFormat(video: layout) }
        if !isFull || layout.pixelFormat?.isYUV != true, let frame = VideoFrame(moving: picture, format: format!) {
            return frame
        }
        defer { av_frame_unref(picture) }
        return try convert(picture, from: source, isFull: isFull, layout)
    }

    private func convert(
        _ picture: UnsafeMutablePointer<AVFrame>, from source: AVPixelFormat, isFull: Bool, _ layout: VideoLayout
    ) throws -> VideoFrame {
        let (width, height) = (picture.pointee.width, picture.pointee.height)
        let flags = Int32(SWS_BICUBIC) | Int32(SWS_ACCURATE_RND) | Int32(SWS_BITEXACT)
        scaler = sws_getCachedContext(
            scaler, width, height, source, width, height, layout.pixelFormat!.av, flags, nil, nil, nil)
        guard let scaler else {
            let name = av_get_pix_fmt_name(source).map { String(cString: $0) } ?? "unknown"
            throw NodeError(
                "pictures in pixel format \(name) cannot be converted", advice: "Convert the media to yuv420p first.")
        }
        let matrix = sws_getCoefficients(layout.impliedMatrix == .bt709 ? SWS_CS_ITU709 : SWS_CS_ITU601)
        sws_setColorspaceDetails(scaler, matrix, isFull ? 1 : 0, matrix, 0, 0, 1 << 16, 1 << 16)
        let frame = pool.take(format!)
        let planes = frame.layout.pixelFormat!.planeCount
        var data: [UnsafeMutablePointer<UInt8>?] = (0..<4).map { $0 < planes ? frame.plane($0) : nil }
        var strides: [Int32] = (0..<4).map { $0 < planes ? Int32(frame.stride($0)) : 0 }
        let rows = withUnsafePointer(to: &picture.pointee.data) { input in
            withUnsafePointer(to: &picture.pointee.linesize) { lines in
                input.withMemoryRebound(to: UnsafePointer<UInt8>?.self, capacity: 8) { input in
                    lines.withMemoryRebound(to: Int32.self, capacity: 8) { lines in
                        sws_scale(scaler, input, lines, 0, height, &data, &strides)
                    }
                }
            }
        }
        guard rows == height else { throw NodeError("a picture could not be converted: \(AVError.text(rows))") }
        return frame
    }
}
