import Sluice

/// The frame numbers in pictures that lie one behind the other, i420 without padding.
public func numbers(_ pictures: [UInt8], width: Int, height: Int) -> [Int?] {
    let format = MediaFormat(
        video: VideoLayout(width: width, height: height, pixelFormat: .i420, frameRate: .init(30)))
    let size = width * height + (width + 1) / 2 * ((height + 1) / 2) * 2
    return stride(from: 0, to: pictures.count - size + 1, by: size).map { start in
        let frame = VideoFrame(format: format)
        for y in 0..<height {
            for x in 0..<width { frame.plane(0)[y * frame.stride(0) + x] = pictures[start + y * width + x] }
        }
        return VideoFrame.NumberCode.read(frame)
    }
}
