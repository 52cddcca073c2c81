/// Cuts coded frames into RTP payloads: `begin`, then `next` until it gives nil. Pure, and without allocation once
/// warm.
public struct Packetizer: Sendable {
    private var h264: H264Packetizer
    private var vp8 = VP8Packetizer()
    private var aac = AACPacketizer()
    private var offset = 0
    /// How media lie in the payloads.
    public let format: PayloadFormat

    /// One payload that was written.
    public struct Piece: Equatable, Sendable {
        /// Bytes.
        public var count: Int
        /// No more of this frame follow.
        public var isLast: Bool
        /// Of the payload's first sample, counted from the frame's.
        public var timestampOffset: UInt32
    }

    /// `configuration` is the format's: an avcC box tells that NAL units have lengths in front instead of start codes.
    public init(_ format: PayloadFormat, configuration: [UInt8] = []) {
        self.format = format
        h264 = H264Packetizer(configuration: format == .h264 ? configuration : [])
    }

    /// `unit` must live until the last `next`.
    public mutating func begin(_ unit: UnsafeRawBufferPointer, isKeyframe: Bool) {
        offset = 0
        switch format {
        case .h264: h264.begin(unit, isKeyframe: isKeyframe)
        case .vp8: vp8.begin()
        case .aac: aac.begin(unit)
        case .opus, .pcmu, .pcma: break
        }
    }

    /// Writes the next payload of the frame that was begun with `unit` at the start of `room`; nil when none is left.
    /// Audio of Opus is never cut: a packet that does not fit gives a count larger than `room` and nothing written. So
    /// does AAC whose size its headers cannot tell.
    public mutating func next(of unit: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) -> Piece? {
        switch format {
        case .h264: return h264.next(of: unit, into: room)
        case .vp8: return vp8.next(of: unit, into: room)
        case .aac: return aac.next(of: unit, into: room)
        case .opus:
            guard offset == 0, !unit.isEmpty else { return nil }
            offset = unit.count
            if unit.count <= room.count { room.put(unit, at: 0) }
            return Piece(count: unit.count, isLast: true, timestampOffset: 0)
        case .pcmu, .pcma:
            guard offset < unit.count, !room.isEmpty else { return nil }
            let count = min(room.count, unit.count - offset)
            room.put(unit.part(offset..<offset + count), at: 0)
            defer { offset += count }
            return Piece(
                count: count, isLast: offset + count == unit.count, timestampOffset: UInt32(truncatingIfNeeded: offset))
        }
    }
}

extension Packetizer {
    /// `total` bytes in as few pieces of at most `limit` as hold them, all nearly alike: the size of each but the last.
    static func evenPiece(_ total: Int, limit: Int) -> Int {
        let count = (total + limit - 1) / limit
        return (total + count - 1) / count
    }
}
