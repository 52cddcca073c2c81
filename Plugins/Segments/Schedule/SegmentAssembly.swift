import Sluice

/// Puts a segment's payload into frames: pictures one behind the other, rows without padding, then interleaved s16le.
///
/// Frames come from pools, so a steady stream of segments allocates nothing for media.
final class SegmentAssembly {
    private var pictures = Pool<VideoFrame>()
    private var samplePool = Pool<AudioFrame>()
    private var videoFormat: MediaFormat?
    private var audioFormat: MediaFormat?

    private var header = SegmentHeader()
    /// Of the segment that is being put together.
    private(set) var epoch: UInt32 = 0
    private var frames: [VideoFrame] = []
    private var audio: AudioFrame?
    /// Bytes of pictures, then of PCM, that have come.
    private var position = 0

    func begin(_ header: SegmentHeader, epoch: UInt32) {
        (self.header, self.epoch) = (header, epoch)
        position = 0
        frames.removeAll(keepingCapacity: true)
        frames.reserveCapacity(header.frameCount)
        audio = nil
        if header.frameCount > 0 {
            let format = MediaFormat(
                video: VideoLayout(
                    width: header.width, height: header.height, pixelFormat: header.pixelFormat,
                    frameRate: header.frameRate))
            if videoFormat != format { videoFormat = format }
        }
        if header.sampleCount > 0 {
            let format = MediaFormat(audio: AudioLayout(.s16, rate: header.sampleRate, channels: header.channels))
            if audioFormat != format { audioFormat = format }
            audio = samplePool.take(audioFormat ?? format, sampleCount: header.sampleCount)
        }
    }

    /// The next piece of the payload, of which there is never more than the header says.
    func append(_ piece: UnsafeRawBufferPointer) {
        var piece = piece
        let frameBytes = header.frameBytes
        let pictureBytes = header.frameCount * frameBytes
        while !piece.isEmpty, position < pictureBytes {
            if position % frameBytes == 0, let videoFormat { frames.append(pictures.take(videoFormat)) }
            let taken = min(piece.count, frameBytes - position % frameBytes)
            if let frame = frames.last {
                frame.fill(from: position % frameBytes, UnsafeRawBufferPointer(rebasing: piece.prefix(taken)))
            }
            position += taken
            piece = UnsafeRawBufferPointer(rebasing: piece.dropFirst(taken))
        }
        guard !piece.isEmpty, let audio else { return }
        let offset = position - pictureBytes
        let room = UnsafeMutableRawBufferPointer(rebasing: audio.mutableBytes.dropFirst(offset))
        room.copyMemory(from: UnsafeRawBufferPointer(rebasing: piece.prefix(room.count)))
        position += piece.count
    }

    func abandon() {
        frames.removeAll(keepingCapacity: true)
        audio = nil
    }

    func end() -> Segment {
        defer { abandon() }
        return Segment(header, epoch: epoch, frames: frames, audio: audio)
    }
}

extension VideoFrame {
    /// Writes bytes of the picture as it lies without padding, planes one behind the other, from byte `start` on.
    fileprivate func fill(from start: Int, _ bytes: UnsafeRawBufferPointer) {
        guard let pixels = layout.pixelFormat else { return }
        var begin = 0
        var left = bytes
        for index in 0..<pixels.planeCount where !left.isEmpty {
            let row = pixels.rowBytes(plane: index, width: layout.width)
            let size = row * pixels.rows(plane: index, height: layout.height)
            defer { begin += size }
            var offset = start + (bytes.count - left.count) - begin
            guard offset < size else { continue }
            while offset < size, !left.isEmpty {
                let isWhole = stride(index) == row
                let count = min(left.count, isWhole ? size - offset : row - offset % row)
                (UnsafeMutableRawPointer(plane(index)) + offset / row * stride(index) + offset % row).copyMemory(
                    from: left.baseAddress!, byteCount: count)
                left = UnsafeRawBufferPointer(rebasing: left.dropFirst(count))
                offset += count
            }
        }
    }
}
