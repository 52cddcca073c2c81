/// Datagrams to send, one behind the other in memory that is kept.
public struct DTLSDatagrams: Sendable {
    private var bytes: [UInt8] = []
    private var ends: [Int] = []

    /// Without datagrams and without memory.
    public init() {}

    /// How many there are.
    public var count: Int { ends.count }
    /// There is none.
    public var isEmpty: Bool { ends.isEmpty }

    /// Adds a datagram that holds a copy of `datagram`.
    public mutating func append(_ datagram: UnsafeRawBufferPointer) {
        bytes.append(contentsOf: datagram)
        ends.append(bytes.count)
    }

    /// Adds a record to the last datagram if that is one of those from `first` on and stays in `room` bytes, else as a
    /// datagram of its own (RFC 6347, section 4.1.1).
    mutating func append(record: UnsafeRawBufferPointer, from first: Int, room: Int) {
        let start = ends.count > 1 ? ends[ends.count - 2] : 0
        guard ends.count > first, bytes.count - start + record.count <= room else { return append(record) }
        bytes.append(contentsOf: record)
        ends[ends.count - 1] = bytes.count
    }

    /// Calls `body` with each datagram, the oldest first. The bytes are there during the call.
    public func withEach(_ body: (UnsafeRawBufferPointer) throws -> Void) rethrows {
        try bytes.withUnsafeBytes { all in
            var start = 0
            for end in ends {
                try body(UnsafeRawBufferPointer(rebasing: all[start..<end]))
                start = end
            }
        }
    }

    /// Forgets all; the memory stays.
    public mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
    }
}
