/// A coded frame cut into RTP payloads, once for all who send it: immutable while anybody else holds it, so that
/// viewers on any lane may share it. Numbers, sources and protection are each viewer's own (`StreamSender`).
public final class PacketizedFrame: @unchecked Sendable {
    /// One payload.
    public struct Piece: Sendable {
        var start: Int
        /// Bytes of payload. One that is larger than the limit was not written.
        public var count: Int
        /// No more of this frame follow.
        public var isLast: Bool
        /// Of the payload's first sample, counted from the frame's.
        public var timestampOffset: UInt32
    }

    // Immutable while shared, so exclusivity need not be checked at run time.
    /// Decoding can begin here.
    @exclusivity(unchecked) public fileprivate(set) var isKeyframe = false
    /// In the order of sending.
    @exclusivity(unchecked) public fileprivate(set) var pieces: [Piece] = []
    @exclusivity(unchecked) private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    @exclusivity(unchecked) private var filled = 0

    init() {}
    deinit { memory.deallocate() }

    /// Bytes of all payloads.
    public var byteCount: Int { filled }

    /// Of one of `pieces` that is not too large.
    public func payload(_ piece: Piece) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(memory).part(piece.start..<piece.start + piece.count)
    }

    /// Cuts `bytes` anew.
    fileprivate func fill(
        _ bytes: UnsafeRawBufferPointer, isKeyframe: Bool, limit: Int, with packetizer: inout Packetizer
    ) {
        self.isKeyframe = isKeyframe
        pieces.removeAll(keepingCapacity: true)
        filled = 0
        packetizer.begin(bytes, isKeyframe: isKeyframe)
        while true {
            makeRoom(limit)
            let room = UnsafeMutableRawBufferPointer(rebasing: memory[filled..<filled + limit])
            guard let piece = packetizer.next(of: bytes, into: room) else { return }
            pieces.append(
                Piece(
                    start: filled, count: piece.count, isLast: piece.isLast, timestampOffset: piece.timestampOffset))
            if piece.count <= limit { filled += piece.count }
        }
    }

    private func makeRoom(_ more: Int) {
        guard filled + more > memory.count else { return }
        var size = max(memory.count, 2_048)
        while size < filled + more { size *= 2 }
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 64)
        larger.put(UnsafeRawBufferPointer(memory).part(0..<filled), at: 0)
        memory.deallocate()
        memory = larger
    }
}

/// Cuts the frames of one stream. Frames that nobody holds any more are used again: no allocation once warm. One lane.
public struct FramePacketizer {
    private var packetizer: Packetizer
    private var frames: [PacketizedFrame] = []
    private var turn = 0
    /// The most bytes of a payload.
    public let limit: Int

    /// `configuration` is the format's (see `Packetizer`). `limit` is at least 16.
    public init(_ format: PayloadFormat, configuration: [UInt8] = [], limit: Int) {
        packetizer = Packetizer(format, configuration: configuration)
        self.limit = max(16, limit)
    }

    /// How media lie in the payloads.
    public var format: PayloadFormat { packetizer.format }

    /// The codec's configuration is another from the next frame on.
    public mutating func configure(_ configuration: [UInt8]) {
        packetizer = Packetizer(format, configuration: configuration)
    }

    /// Cuts `bytes` into payloads. Memory is reused where nobody else holds the frame.
    public mutating func frame(_ bytes: UnsafeRawBufferPointer, isKeyframe: Bool) -> PacketizedFrame {
        for _ in 0..<min(frames.count, 8) {
            turn = (turn + 1) % frames.count
            if isKnownUniquelyReferenced(&frames[turn]) {
                frames[turn].fill(bytes, isKeyframe: isKeyframe, limit: limit, with: &packetizer)
                return frames[turn]
            }
        }
        let made = PacketizedFrame()
        made.fill(bytes, isKeyframe: isKeyframe, limit: limit, with: &packetizer)
        // Those beyond this many live as long as they are held.
        if frames.count < 64 { frames.append(made) }
        return made
    }
}
