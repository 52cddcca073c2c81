import CLibAV
import Geometry
import Sluice

/// Makes `VideoFrame`s of decoded AVFrames: in the decoder's own memory where the engine has a word for them, else
/// converted by libswscale into pooled memory. Pictures in full range (0–255), as cameras and JPEG make them, come out
/// in the limited range that all YUV here has, and matrices that the engine has no word for become BT.709. Pictures
/// that are to be turned are turned.
public final class VideoFrameMaker {
    private var format: MediaFormat?
    private var uprightFormat: MediaFormat?
    private var pool = Pool<VideoFrame>()
    private var turned = Pool<VideoFrame>()
    private var scaler: OpaquePointer?
    private let frameRate: VideoLayout.FrameRate?
    private let wanted: VideoLayout.PixelFormat?
    private let told: VideoLayout.PixelAspect
    private let isContainers: Bool
    /// As the codec said first.
    private var codecs: VideoLayout.PixelAspect?
    private let orientation: VideoLayout.Orientation?
    private var toldByCodec = VideoLayout.Orientation.upright
    private var lastColors: ColorReading?
    private let say: (String) -> Void
    private var losses = Losses()
    private var askew: Int?

    /// `pixels` is what all pictures become; nil leaves those that the engine has a word for and makes i420 of others.
    /// `aspect` and `orientation` are those of the stream; an orientation of nil turns none. `isContainers`: the
    /// container itself told `aspect`, which counts over the codec's. `say` gets a sentence about what pictures lose,
    /// each once.
    public init(
        frameRate: VideoLayout.FrameRate?, pixels: VideoLayout.PixelFormat? = nil,
        aspect: VideoLayout.PixelAspect = .square, isContainers: Bool = false,
        orientation: VideoLayout.Orientation? = .upright, say: @escaping (String) -> Void = { _ in }
    ) {
        self.frameRate = frameRate
        wanted = pixels
        told = aspect
        self.isContainers = isContainers
        self.orientation = orientation
        self.say = say
    }

    deinit { sws_freeContext(scaler) }

    /// `picture` is blank afterwards. Header times are left to the caller. Throws where libswscale does not take the
    /// picture.
    public func make(_ picture: UnsafeMutablePointer<AVFrame>) throws -> VideoFrame {
        let source = AVPixelFormat(picture.pointee.format)
        let colors = ColorReading(picture)
        if colors != lastColors, let remark = colors.remark { sayOnce(remark) }
        lastColors = colors
        let flags = fields(picture)
        let turn = orientation(of: picture)
        let layout = VideoLayout(
            width: Int(picture.pointee.width), height: Int(picture.pointee.height),
            pixelFormat: wanted ?? VideoLayout.PixelFormat(source) ?? .i420, frameRate: frameRate,
            colorMatrix: colors.matrix, pixelAspect: aspect(of: picture))
        if format?.video != layout { format = MediaFormat(video: layout) }
        let isAsItIs = !colors.isFull && colors.foreign == nil || layout.pixelFormat?.isYUV != true
        let frame: VideoFrame
        if isAsItIs, let moved = VideoFrame(moving: picture, format: format!) {
            frame = moved
        } else {
            defer { av_frame_unref(picture) }
            frame = try convert(picture, from: source, colors, layout)
        }
        frame.header.flags = flags
        return turn == .upright ? frame : upright(frame, turn)
    }

    private func sayOnce(_ sentence: String) { if let news = losses.news(sentence) { say(news) } }

    // MARK: Geometry

    /// Files are put right where it is easy, in the container: its word goes before the codec's. Where it is not known
    /// who told the shape, a codec that contradicts it from its first picture on was corrected, up to the picture that
    /// says something new.
    private func aspect(of picture: UnsafeMutablePointer<AVFrame>) -> VideoLayout.PixelAspect {
        let own = picture.pointee.sample_aspect_ratio
        guard own.num > 0, !isContainers else { return told }
        let said = VideoLayout.PixelAspect(own)
        if codecs == nil { codecs = said }
        return said == codecs && told != .square ? told : said
    }

    /// The container goes before the codec: a file that was turned later says it there. A codec says it at a keyframe,
    /// for all pictures up to the next one (ITU-T H.264, D.2.27).
    private func orientation(of picture: UnsafeMutablePointer<AVFrame>) -> VideoLayout.Orientation {
        guard orientation == .upright else { return orientation ?? .upright }
        switch DisplayMatrix.read(picture) {
        case .orientation(let told)?: toldByCodec = told
        case .askew(let degrees)?:
            if askew != degrees { sayOnce(DisplayMatrix.words(askew: degrees)) }
            askew = degrees
            toldByCodec = .upright
        case nil: if picture.pointee.key_frame != 0 { toldByCodec = .upright }
        }
        return toldByCodec
    }

    private func upright(_ frame: VideoFrame, _ turn: VideoLayout.Orientation) -> VideoFrame {
        let layout = frame.layout.turned(by: turn)
        if uprightFormat?.video != layout { uprightFormat = MediaFormat(video: layout) }
        let result = turned.take(uprightFormat!)
        PictureTurn.turn(frame, by: turn, into: result)
        result.header = frame.header
        guard frame.header.flags.contains(.interlaced) else { return result }
        if turn.exchangesSides {
            result.header.flags.subtract([.interlaced, .bottomFieldFirst])
            sayOnce("interlaced pictures are turned, so their fields cannot be told apart any more")
        } else if turn.quarters == 2, frame.layout.height % 2 == 0 {
            result.header.flags.formSymmetricDifference(.bottomFieldFirst)
        }
        return result
    }

    private func fields(_ picture: UnsafeMutablePointer<AVFrame>) -> MediaItem.Header.Flags {
        guard picture.pointee.interlaced_frame != 0 else { return [] }
        return picture.pointee.top_field_first != 0 ? .interlaced : [.interlaced, .bottomFieldFirst]
    }

    // MARK: Colours

    private func convert(
        _ picture: UnsafeMutablePointer<AVFrame>, from source: AVPixelFormat, _ colors: ColorReading,
        _ layout: VideoLayout
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
        let matrix = layout.impliedMatrix == .bt709 ? SWS_CS_ITU709 : SWS_CS_ITU601
        sws_setColorspaceDetails(
            scaler, sws_getCoefficients(colors.foreign ?? matrix), colors.isFull ? 1 : 0, sws_getCoefficients(matrix),
            0, 0, 1 << 16, 1 << 16)
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
