import CLibAV
import LibAV
import Sluice

/// Pictures in the memory of a VA-API device, for an encoder that takes no others. Used by one lane at a time.
final class Surfaces {
    private var device: UnsafeMutablePointer<AVBufferRef>?
    private var frames: UnsafeMutablePointer<AVBufferRef>?
    private let surface: UnsafeMutablePointer<AVFrame>

    /// An encoder with `async_depth` 1 holds one picture and its reference; more are for what it has not let go yet.
    private static let count: Int32 = 8

    /// For nv12 pictures of this size, on the device that libva takes for the default.
    init(width: Int, height: Int) throws(AVError) {
        surface = av_frame_alloc()
        try AVError.check(av_hwdevice_ctx_create(&device, AV_HWDEVICE_TYPE_VAAPI, nil, nil, 0))
        frames = av_hwframe_ctx_alloc(device)
        guard let frames else { throw AVError(sluice_averror(ENOMEM)) }
        let context = UnsafeMutableRawPointer(frames.pointee.data).assumingMemoryBound(to: AVHWFramesContext.self)
        context.pointee.format = AV_PIX_FMT_VAAPI
        context.pointee.sw_format = AV_PIX_FMT_NV12
        context.pointee.width = Int32(clamping: width)
        context.pointee.height = Int32(clamping: height)
        context.pointee.initial_pool_size = Surfaces.count
        try AVError.check(av_hwframe_ctx_init(frames))
    }

    deinit {
        var surface: UnsafeMutablePointer<AVFrame>? = surface
        av_frame_free(&surface)
        av_buffer_unref(&frames)
        av_buffer_unref(&device)
    }

    /// Makes an encoder take its pictures from here. Before it opens.
    func serve(_ context: UnsafeMutablePointer<AVCodecContext>) {
        context.pointee.pix_fmt = AV_PIX_FMT_VAAPI
        context.pointee.hw_frames_ctx = av_buffer_ref(frames)
    }

    /// A copy of `picture`; it lasts until the next call.
    func upload(_ picture: UnsafePointer<AVFrame>) throws(AVError) -> UnsafeMutablePointer<AVFrame> {
        av_frame_unref(surface)
        try AVError.check(av_hwframe_get_buffer(frames, surface, 0))
        try AVError.check(av_hwframe_transfer_data(surface, picture, 0))
        return surface
    }
}
