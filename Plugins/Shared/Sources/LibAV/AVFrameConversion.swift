import CLibAV
import Sluice

/// Keeps an AVFrame alive for the `VideoFrame` whose memory it is.
public final class AVFrameOwner: @unchecked Sendable {
    /// Lives as long as the owner.
    public let frame: UnsafeMutablePointer<AVFrame>

    /// Takes what `other` refers to; `other` is blank then and may be used again.
    public init(moving other: UnsafeMutablePointer<AVFrame>) {
        frame = av_frame_alloc()
        av_frame_move_ref(frame, other)
    }

    deinit {
        var pointer: UnsafeMutablePointer<AVFrame>? = frame
        av_frame_free(&pointer)
    }
}

extension VideoFrame {
    /// A picture in the memory of `picture`, which is moved out of it: nothing is copied. nil where the engine has no
    /// word for its pixel format, where `format` says another, or where its rows run upwards. Header times are left to
    /// the caller.
    public convenience init?(moving picture: UnsafeMutablePointer<AVFrame>, format: MediaFormat) {
        guard let pixels = VideoLayout.PixelFormat(AVPixelFormat(picture.pointee.format)),
            format.video?.pixelFormat == pixels,
            let video = format.video, video.width == Int(picture.pointee.width),
            video.height == Int(picture.pointee.height),
            let base = picture.pointee.data.0, picture.pointee.linesize.0 > 0
        else { return nil }
        func offset(_ plane: UnsafeMutablePointer<UInt8>?) -> Int { plane.map { $0 - base } ?? 0 }
        let lines = picture.pointee.linesize
        let strides = (Int(lines.0), Int(lines.1), Int(lines.2))
        let bytes =
            strides.0 * pixels.rows(plane: 0, height: video.height)
            + (pixels.planeCount > 1 ? strides.1 * pixels.rows(plane: 1, height: video.height) : 0)
            + (pixels.planeCount > 2 ? strides.2 * pixels.rows(plane: 2, height: video.height) : 0)
        let planes = Planes(
            offset: (0, offset(picture.pointee.data.1), offset(picture.pointee.data.2)), stride: strides,
            byteCount: bytes)
        let owner = AVFrameOwner(moving: picture)
        self.init(
            format: format, buffer: MediaItem.Buffer(foreign: base, capacity: bytes, owner: owner), planes: planes)
    }

    /// Makes `picture` refer to this frame's planes without copying; this frame lives until libav lets the reference
    /// go. Sets size, format and planes; times are left to the caller. `picture` must be blank.
    public func lend(to picture: UnsafeMutablePointer<AVFrame>) throws(AVError) {
        let pixels = layout.pixelFormat ?? .i420
        picture.pointee.width = Int32(layout.width)
        picture.pointee.height = Int32(layout.height)
        picture.pointee.format = pixels.av.rawValue
        picture.pointee.data.0 = plane(0)
        picture.pointee.linesize.0 = Int32(stride(0))
        if pixels.planeCount > 1 {
            picture.pointee.data.1 = plane(1)
            picture.pointee.linesize.1 = Int32(stride(1))
        }
        if pixels.planeCount > 2 {
            picture.pointee.data.2 = plane(2)
            picture.pointee.linesize.2 = Int32(stride(2))
        }
        picture.pointee.extended_data = UnsafeMutableRawPointer(picture).assumingMemoryBound(
            to: UnsafeMutablePointer<UInt8>?.self)
        picture.pointee.buf.0 = try lentBuffer(plane(0), count: byteCount, keeping: self)
    }
}

/// An AVBuffer on `bytes` that keeps `owner` until its last reference goes. Read-only, so that libav copies before it
/// would write.
func lentBuffer(
    _ bytes: UnsafeMutablePointer<UInt8>, count: Int, keeping owner: AnyObject
) throws(AVError) -> UnsafeMutablePointer<AVBufferRef> {
    let held = Unmanaged.passRetained(owner)
    let buffer = av_buffer_create(
        bytes, count, { opaque, _ in Unmanaged<AnyObject>.fromOpaque(opaque!).release() }, held.toOpaque(),
        Int32(AV_BUFFER_FLAG_READONLY))
    guard let buffer else {
        held.release()
        throw AVError(sluice_averror(ENOMEM))
    }
    return buffer
}
