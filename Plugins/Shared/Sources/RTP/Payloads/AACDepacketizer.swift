import Bitstream
import Sluice

/// Takes access units of AAC out of RTP payloads (RFC 3640): several whole ones of a payload, or one that comes in
/// pieces. A piece tells the size of the whole, so one that lacks another never becomes a unit, whatever the markers
/// say. Interleaved units are refused.
struct AACDepacketizer {
    struct Unit {
        var bytes: UnsafeRawBufferPointer
        var timestamp: Int64
        /// When its first packet came.
        var arrival: Instant
    }

    /// The faults of a packet, and of the unit that was begun before it.
    struct Faults {
        /// A unit that was begun lacks a piece.
        var damaged = 0
        /// The payload is not what the description says.
        var isMalformed = false
    }

    private struct Header {
        var size: Int
        /// From the packet's timestamp.
        var offset: Int64
    }

    /// A unit that comes in pieces.
    private struct Begun {
        var timestamp: Int64
        var size: Int
        var arrival: Instant
    }

    private var begun: Begun?
    /// The time of the unit that was dropped last: what still comes of it is passed over.
    private var dropped: Int64?
    private var headers: [Header] = []

    /// Takes a packet, which may be empty and tell of lost ones alone.
    mutating func push(
        _ packet: OrderedPacket, _ framing: AACFraming, _ assembly: ByteAssembly, _ emit: (Unit) -> Void
    ) -> Faults {
        var faults = Faults()
        if packet.lost > 0 || begun.map({ $0.timestamp != packet.timestamp }) ?? false {
            faults.damaged = drop(assembly)
        }
        guard !packet.payload.isEmpty else { return faults }
        guard let start = readHeaders(packet.payload, framing) else {
            faults.damaged += drop(assembly)
            faults.isMalformed = true
            return faults
        }
        if packet.timestamp != dropped { dropped = nil }
        let data = packet.payload.part(start..<packet.payload.count)
        if headers.count == 1, headers[0].size > data.count {
            take(piece: data, of: headers[0].size, packet, assembly, &faults, emit)
            return faults
        }
        // Whole units, to the last byte.
        guard begun == nil, headers.reduce(0, { $0 + $1.size }) == data.count else {
            faults.damaged += drop(assembly)
            faults.isMalformed = true
            return faults
        }
        var at = 0
        for header in headers {
            emit(
                Unit(
                    bytes: data.part(at..<at + header.size), timestamp: packet.timestamp &+ header.offset,
                    arrival: packet.arrival))
            at += header.size
        }
        return faults
    }

    /// Drops what was begun; gives how many units that are.
    mutating func drop(_ assembly: ByteAssembly) -> Int {
        guard let unit = begun else { return 0 }
        (begun, dropped) = (nil, unit.timestamp)
        assembly.removeAll()
        return 1
    }

    private mutating func take(
        piece: UnsafeRawBufferPointer, of size: Int, _ packet: OrderedPacket, _ assembly: ByteAssembly,
        _ faults: inout Faults, _ emit: (Unit) -> Void
    ) {
        guard packet.timestamp != dropped else { return }
        let unit = begun ?? Begun(timestamp: packet.timestamp, size: size, arrival: packet.arrival)
        if begun == nil { assembly.removeAll() }
        begun = unit
        guard unit.size == size, assembly.count + piece.count <= size, assembly.append(piece) else {
            faults.damaged += drop(assembly)
            faults.isMalformed = true
            return
        }
        guard assembly.count == size else { return }
        emit(Unit(bytes: assembly.bytes, timestamp: unit.timestamp, arrival: unit.arrival))
        begun = nil
        assembly.removeAll()
    }

    /// Reads `headers` and gives where the data begin; nil where they make no sense.
    private mutating func readHeaders(_ payload: UnsafeRawBufferPointer, _ framing: AACFraming) -> Int? {
        headers.removeAll(keepingCapacity: true)
        var bits = PlainBits(payload)
        if framing.hasHeaders {
            let length = Int(bits.read(16))
            let end = bits.position + length
            guard length > 0, length <= bits.left else { return nil }
            while bits.position < end {
                let before = bits.position
                // A header without any field would stand there without end.
                guard let header = readHeader(&bits, framing), bits.position <= end, bits.position > before else {
                    return nil
                }
                headers.append(header)
            }
            bits.align()
        }
        if framing.auxiliarySizeLength > 0 {
            let size = Int(bits.read(framing.auxiliarySizeLength))
            guard size <= bits.left else { return nil }
            bits.skip(size)
            bits.align()
        }
        let start = bits.position / 8
        guard !bits.isOver, start < payload.count else { return nil }
        if !framing.hasHeaders {
            let size = max(1, framing.constantSize)
            for index in 0..<max(1, (payload.count - start) / size) {
                headers.append(Header(size: size, offset: Int64(index * framing.duration)))
            }
        }
        return start
    }

    private func readHeader(_ bits: inout PlainBits, _ framing: AACFraming) -> Header? {
        let size = framing.sizeLength > 0 ? Int(bits.read(framing.sizeLength)) : framing.constantSize
        // The first one's number is the sender's own; the others follow without a gap, or they are interleaved.
        let number = bits.read(headers.isEmpty ? framing.indexLength : framing.indexDeltaLength)
        guard size > 0, headers.isEmpty || number == 0 else { return nil }
        var header = Header(size: size, offset: Int64(headers.count * framing.duration))
        if framing.ctsDeltaLength > 0, bits.flag() {
            let value = Int64(bits.read(framing.ctsDeltaLength))
            let sign = Int64(1) << (framing.ctsDeltaLength - 1)
            header.offset = value & sign != 0 ? value - 2 * sign : value
        }
        if framing.dtsDeltaLength > 0, bits.flag() { bits.skip(framing.dtsDeltaLength) }
        if framing.tellsRandomAccess { bits.skip(1) }
        bits.skip(framing.stateLength)
        return header
    }
}
