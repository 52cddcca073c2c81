import Sluice

/// The last items that a node under test was given, and what they held then. An item is shared freely once it is sent,
/// so a node that writes to one spoils it for others; a graph shows that only where there are others.
struct GivenItems {
    private var items: [(item: MediaItem, held: Int)] = []
    private static let most = 64

    mutating func keep(_ item: MediaItem) {
        if items.count == GivenItems.most { items.removeFirst() }
        items.append((item, GivenItems.contents(of: item)))
    }

    /// Traps where an item is no longer what it was.
    func check(_ type: any Node.Type) {
        for (item, held) in items where GivenItems.contents(of: item) != held {
            fatalError(
                """
                node type "\(type.descriptor.type)" has written to an item that it received: others may hold it too. \
                Take one from a Pool, or make a copy().
                """)
        }
    }

    /// Its payload. A test may give what came out another header, and an item that was only passed on is the same one.
    private static func contents(of item: MediaItem) -> Int {
        var hasher = Hasher()
        switch item {
        case let frame as AudioFrame: hasher.combine(bytes: frame.bytes)
        case let packet as Packet: hasher.combine(bytes: packet.bytes)
        case let frame as VideoFrame:
            guard let pixels = frame.layout.pixelFormat else { break }
            for plane in 0..<pixels.planeCount {
                let count = pixels.rowBytes(plane: plane, width: frame.layout.width)
                for y in 0..<pixels.rows(plane: plane, height: frame.layout.height) {
                    let row = UnsafeRawPointer(frame.plane(plane) + y * frame.stride(plane))
                    hasher.combine(bytes: UnsafeRawBufferPointer(start: row, count: count))
                }
            }
        default: break
        }
        return hasher.finalize()
    }
}
