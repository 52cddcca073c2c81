import Bitstream

/// H.264 access units in RTP payloads, packetization-mode 1 (RFC 6184): a NAL unit that fits goes alone, several small
/// ones in a row together (STAP-A), a large one in even pieces (FU-A).
struct H264Packetizer: Sendable {
    private var units: [Range<Int>] = []
    private var index = 0
    /// Bytes of the present unit that went out in pieces, its first byte, the header, included; 0 if none did.
    private var offset = 0
    private let parameterSets: [[UInt8]]
    private let lengthSize: Int?
    /// Parameter sets that are still to go out before the unit's own.
    private var setsLeft = 0

    private enum Kind {
        static let stapA: UInt8 = 24
        static let fuA: UInt8 = 28
    }

    init(configuration: [UInt8]) {
        let avcC = AVCConfiguration(configuration)
        parameterSets = avcC?.parameterSets ?? []
        lengthSize = avcC?.lengthSize
    }

    mutating func begin(_ unit: UnsafeRawBufferPointer, isKeyframe: Bool) {
        units.removeAll(keepingCapacity: true)
        if let lengthSize {
            NALUnits.splitByLength(unit, lengthSize: lengthSize, into: &units)
        } else {
            NALUnits.splitByStartCode(unit, into: &units)
        }
        (index, offset) = (0, 0)
        // Where they are kept apart from the stream, a receiver gets them before each keyframe.
        let hasOwn = units.contains { unit[$0.lowerBound] & 31 == NALUnits.sps }
        setsLeft = isKeyframe && !hasOwn ? parameterSets.count : 0
    }

    mutating func next(of unit: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) -> Packetizer.Piece? {
        if setsLeft > 0 {
            let set = parameterSets[parameterSets.count - setsLeft]
            setsLeft -= 1
            if set.count <= room.count {
                set.withUnsafeBytes { room.put($0, at: 0) }
                return Packetizer.Piece(count: set.count, isLast: false, timestampOffset: 0)
            }
        }
        guard index < units.count, room.count > 2 else { return nil }
        let count: Int
        if offset == 0, units[index].count <= room.count {
            count = writeWhole(unit, room)
        } else {
            count = writeFragment(unit, room)
        }
        return Packetizer.Piece(count: count, isLast: index == units.count, timestampOffset: 0)
    }

    /// One unit, or as many as fit together.
    private mutating func writeWhole(_ unit: UnsafeRawBufferPointer, _ room: UnsafeMutableRawBufferPointer) -> Int {
        var end = index
        var size = 1
        while end < units.count, units[end].count <= 0xffff, size + 2 + units[end].count <= room.count {
            size += 2 + units[end].count
            end += 1
        }
        guard end - index > 1 else {
            let only = units[index]
            index += 1
            room.put(unit.part(only), at: 0)
            return only.count
        }
        // The header's reference bits are the highest of those inside, its forbidden bit set where one of theirs is.
        var (forbidden, reference): (UInt8, UInt8) = (0, 0)
        var at = 1
        for nal in units[index..<end] {
            forbidden |= unit[nal.lowerBound] & 0x80
            reference = max(reference, unit[nal.lowerBound] & 0x60)
            room.put(big16: UInt16(nal.count), at: at)
            room.put(unit.part(nal), at: at + 2)
            at += 2 + nal.count
        }
        room[0] = forbidden | reference | Kind.stapA
        index = end
        return size
    }

    private mutating func writeFragment(_ unit: UnsafeRawBufferPointer, _ room: UnsafeMutableRawBufferPointer) -> Int {
        let nal = units[index]
        let header = unit[nal.lowerBound]
        let isFirst = offset == 0
        if isFirst { offset = 1 }
        let count = min(Packetizer.evenPiece(nal.count - 1, limit: room.count - 2), nal.count - offset)
        room[0] = header & 0xe0 | Kind.fuA
        let isLast = offset + count == nal.count
        room[1] = (isFirst ? 0x80 : 0) | (isLast ? 0x40 : 0) | header & 0x1f
        room.put(unit.part(nal.lowerBound + offset..<nal.lowerBound + offset + count), at: 2)
        offset += count
        if isLast {
            index += 1
            offset = 0
        }
        return 2 + count
    }
}
