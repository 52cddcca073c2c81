/// Frames on a TCP connection (RFC 4571, section 2): two bytes of length, then a packet. Reads may end anywhere.
///
/// A frame over `limit` breaks the connection, before memory is given to it. So does nearly all that is no such
/// protocol, since two letters are a length above 16,000. A frame without bytes is passed over.
public struct TCPFrameReader: Sendable {
    /// The longest frame in bytes, 1 to 65,535. Small until the peer has proved itself; it may rise in between.
    public var limit: Int
    /// A frame was longer than `limit`: nothing behind it can be read, and the connection is to be closed.
    public private(set) var isBroken = false
    /// The beginning of a frame, with its length.
    private var partial: [UInt8] = []

    /// A check is far shorter than 1,500 bytes.
    public init(limit: Int = 1_500) { self.limit = limit }

    /// Bytes of a frame that has not ended. A connection that keeps one for long is up to no good.
    public var waiting: Int { partial.count }

    /// Calls `body` with each frame that `bytes` complete, good inside `body` alone, which leaves the reader
    /// alone. Without a copy where a frame comes whole. False once the stream is broken.
    @discardableResult
    public mutating func read(_ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void) -> Bool {
        var rest = bytes
        while !rest.isEmpty, !isBroken {
            if partial.isEmpty, rest.count >= 2, case let size = Int(rest.big16(0)), rest.count >= 2 + size {
                guard accept(size) else { break }
                if size > 0 { body(rest.part(2..<2 + size)) }
                rest = rest.part(2 + size..<rest.count)
                continue
            }
            let head = max(0, 2 - partial.count)
            if head > 0 {
                let taken = min(head, rest.count)
                partial += rest.prefix(taken)
                rest = rest.part(taken..<rest.count)
                guard partial.count == 2 else { break }
            }
            let size = Int(partial[0]) << 8 | Int(partial[1])
            guard accept(size) else { break }
            let taken = min(2 + size - partial.count, rest.count)
            partial += rest.prefix(taken)
            rest = rest.part(taken..<rest.count)
            guard partial.count == 2 + size else { break }
            if size > 0 { partial.withUnsafeBytes { body($0.part(2..<2 + size)) } }
            partial.removeAll(keepingCapacity: true)
        }
        return !isBroken
    }

    private mutating func accept(_ size: Int) -> Bool {
        guard size > limit else { return true }
        isBroken = true
        partial = []
        return false
    }

    /// Appends `packet` as a frame; false, and nothing appended, for one without bytes or over 65,535.
    @discardableResult
    public static func append(_ packet: UnsafeRawBufferPointer, to stream: inout [UInt8]) -> Bool {
        guard !packet.isEmpty, let size = UInt16(exactly: packet.count) else { return false }
        stream.append(big16: size)
        stream += packet
        return true
    }
}
