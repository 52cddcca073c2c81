import Sluice

/// Makes nv12 of i420, for encoders that take nothing else: the same samples, the two chroma planes in turns.
struct Interleaver {
    private var pool = Pool<VideoFrame>()
    private var format: MediaFormat?

    mutating func nv12(_ frame: VideoFrame) -> VideoFrame {
        let from = frame.layout
        let layout = VideoLayout(
            width: from.width, height: from.height, pixelFormat: .nv12, frameRate: from.frameRate)
        if format?.video != layout { format = MediaFormat(video: layout) }
        let result = pool.take(format!)
        for y in 0..<from.height {
            (result.plane(0) + y * result.stride(0)).update(
                from: frame.plane(0) + y * frame.stride(0), count: from.width)
        }
        let columns = (from.width + 1) / 2
        for y in 0..<(from.height + 1) / 2 {
            let (u, v) = (frame.plane(1) + y * frame.stride(1), frame.plane(2) + y * frame.stride(2))
            let row = result.plane(1) + y * result.stride(1)
            for x in 0..<columns {
                row[2 * x] = u[x]
                row[2 * x + 1] = v[x]
            }
        }
        return result
    }
}
