/// One raw picture: up to three planes inside one buffer, or foreign memory that hangs on an owner.
public final class VideoFrame: MediaItem, @unchecked Sendable {
    public override class var possibleFormats: FormatSet { .rawVideo }

    /// The memory of the picture.
    public private(set) var buffer: MediaItem.Buffer
    /// Where its planes lie in `buffer`.
    public private(set) var planes: Planes
    /// The frame whose picture this one shows: it keeps the memory, and its pool from using that again.
    private var shown: VideoFrame?

    /// Where the planes lie. Rows are `stride` bytes apart, at least `VideoLayout.PixelFormat.rowBytes`.
    public struct Planes: Sendable {
        /// Bytes from the buffer's first one to each plane's; 0 where there is no such plane.
        public var offset: (Int, Int, Int)
        /// Bytes from one row to the next, padding included.
        public var stride: (Int, Int, Int)
        /// Bytes of all planes.
        public var byteCount: Int

        /// Offsets and strides in bytes, of three planes each.
        public init(offset: (Int, Int, Int), stride: (Int, Int, Int), byteCount: Int) {
            self.offset = offset
            self.stride = stride
            self.byteCount = byteCount
        }

        /// Planes one behind the other, rows padded to 64 bytes.
        public init(_ layout: VideoLayout) {
            guard let pixels = layout.pixelFormat else {
                self.init(offset: (0, 0, 0), stride: (0, 0, 0), byteCount: 0)
                return
            }
            var offsets = [0, 0, 0]
            var strides = [0, 0, 0]
            var end = 0
            for plane in 0..<pixels.planeCount {
                offsets[plane] = end
                strides[plane] = (pixels.rowBytes(plane: plane, width: layout.width) + 63) & ~63
                end += strides[plane] * pixels.rows(plane: plane, height: layout.height)
            }
            self.init(
                offset: (offsets[0], offsets[1], offsets[2]), stride: (strides[0], strides[1], strides[2]),
                byteCount: end)
        }
    }

    /// A picture of raw video `format`, its contents undefined.
    public init(format: MediaFormat) {
        planes = Planes(format.video!)
        buffer = MediaItem.Buffer(capacity: planes.byteCount)
        super.init(itemOf: format)
        byteCount = planes.byteCount
    }

    /// A picture in `buffer`; `planes.offset` counts from `buffer.bytes` and may be negative for foreign memory.
    public init(format: MediaFormat, buffer: MediaItem.Buffer, planes: Planes) {
        self.buffer = buffer
        self.planes = planes
        super.init(itemOf: format)
        byteCount = planes.byteCount
    }

    /// A frame with a header of its own over the picture of `other`, which is not copied.
    public init(showing other: VideoFrame) {
        shown = other
        buffer = other.buffer
        planes = other.planes
        super.init(itemOf: other.format)
        header = other.header
        byteCount = other.byteCount
    }

    /// Size, rate and pixel format.
    public var layout: VideoLayout { format.video! }

    /// Bytes from one row of `plane` to the next.
    public func stride(_ plane: Int) -> Int {
        switch plane {
        case 0: planes.stride.0
        case 1: planes.stride.1
        default: planes.stride.2
        }
    }

    /// The first byte of a plane. Writing is for the holder of the only reference, before it is sent.
    public func plane(_ plane: Int) -> UnsafeMutablePointer<UInt8> {
        let offset =
            switch plane {
            case 0: planes.offset.0
            case 1: planes.offset.1
            default: planes.offset.2
            }
        return (buffer.bytes + offset).assumingMemoryBound(to: UInt8.self)
    }

    /// Makes this frame hold a picture of `format`, keeping the memory where it suffices. Only for the holder of the
    /// only reference.
    public func reset(format: MediaFormat) {
        if shown != nil {
            shown = nil
            planes = Planes(format.video!)
            buffer = MediaItem.Buffer(capacity: planes.byteCount)
        } else if self.format != format || planes.byteCount > buffer.capacity {
            planes = Planes(format.video!)
            if planes.byteCount > buffer.capacity { buffer = MediaItem.Buffer(capacity: planes.byteCount) }
        }
        self.format = format
        header = MediaItem.Header()
        byteCount = planes.byteCount
    }

    /// Makes this frame show the picture of `other`, which is not copied, with the same header. Only for the holder of
    /// the only reference.
    public func show(_ other: VideoFrame) {
        shown = other
        buffer = other.buffer
        planes = other.planes
        format = other.format
        header = other.header
        byteCount = other.byteCount
    }

    /// A copy in memory of its own, with the same header.
    public func copy() -> VideoFrame {
        let other = VideoFrame(format: format)
        other.copyPicture(of: self)
        other.header = header
        return other
    }

    /// Takes the pixels of `other`, which has the same format; the header stays. Only for the holder of the only
    /// reference.
    public func copyPicture(of other: VideoFrame) {
        guard let pixels = layout.pixelFormat else { return }
        for index in 0..<pixels.planeCount {
            let row = pixels.rowBytes(plane: index, width: layout.width)
            for y in 0..<pixels.rows(plane: index, height: layout.height) {
                (plane(index) + y * stride(index)).update(
                    from: other.plane(index) + y * other.stride(index), count: row)
            }
        }
    }
}
