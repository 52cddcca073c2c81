/// Puts the sections of one PID together: the tables of a transport stream (ISO/IEC 13818-1, 2.4.4).
struct TSSection {
    private var bytes: [UInt8] = []
    private var counter = -1

    /// The longest section that a PAT or a PMT may be, header included.
    private static let limit = 1_024

    /// The sections that `packet` completes, without their CRC, where that fits. Tables of several programs may share a
    /// PID, and a packet.
    mutating func feed(_ packet: TSPacket) -> [[UInt8]] {
        guard !packet.payload.isEmpty else { return [] }
        if !packet.startsUnit && packet.counter != (counter + 1) & 15 { bytes = [] }
        counter = packet.counter
        var complete: [[UInt8]] = []
        var payload = packet.payload[...]
        if packet.startsUnit {
            // The pointer says where the first section begins; before it the last one ends.
            let pointer = Int(payload.removeFirst())
            guard pointer <= payload.count else {
                bytes = []
                return []
            }
            if !bytes.isEmpty {
                bytes += payload.prefix(pointer)
                while let section = take() { complete.append(section) }
            }
            payload = payload.dropFirst(pointer)
            bytes = []
        } else if bytes.isEmpty {
            return []
        }
        bytes += payload
        while let section = take() { complete.append(section) }
        return complete
    }

    /// Cuts the next whole section that fits its CRC off the front.
    private mutating func take() -> [UInt8]? {
        while true {
            guard bytes.count >= 3, bytes[0] != 0xff else {
                if bytes.first == 0xff { bytes = [] }
                return nil
            }
            let length = 3 + (Int(bytes[1] & 0x0f) << 8 | Int(bytes[2]))
            guard length <= TSSection.limit else {
                bytes = []
                return nil
            }
            guard bytes.count >= length else { return nil }
            let section = Array(bytes[..<length])
            bytes.removeFirst(length)
            if length >= 12 && TSSection.checksum(section) == 0 { return Array(section.dropLast(4)) }
        }
    }

    /// CRC-32/MPEG-2 (Annex A): 0 over a section that ends with its own.
    static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var crc: UInt32 = 0xffff_ffff
        for byte in bytes {
            crc ^= UInt32(byte) << 24
            for _ in 0..<8 { crc = crc & 0x8000_0000 != 0 ? crc << 1 ^ 0x04c1_1db7 : crc << 1 }
        }
        return crc
    }
}

/// The content of a program association table: where each program's map is (2.4.4.3).
struct TSPrograms: Equatable {
    struct Program: Equatable {
        /// 1 to 65,535.
        var number: Int
        var mapPID: Int
    }

    /// Those of one section; tables may have several.
    var programs: [Program]
    /// All programs stand in this section.
    var isWhole: Bool

    init?(_ section: [UInt8]) {
        guard section[0] == 0x00, section.count >= 8, section[5] & 1 == 1 else { return nil }
        isWhole = section[7] == 0
        programs = stride(from: 8, to: section.count - 3, by: 4).compactMap {
            let number = Int(section[$0]) << 8 | Int(section[$0 + 1])
            guard number != 0 else { return nil }
            return Program(number: number, mapPID: Int(section[$0 + 2] & 0x1f) << 8 | Int(section[$0 + 3]))
        }
    }
}

/// The content of a program map: which PID carries what (2.4.4.8).
struct TSProgramMap: Equatable {
    /// Of the program; several maps may share a PID.
    var number: Int
    var streams: [Stream] = []

    struct Stream: Equatable {
        var pid: Int
        var type: UInt8
        /// Tag, length and contents of one descriptor behind the other.
        var descriptors: [UInt8]
    }

    init?(_ section: [UInt8]) {
        guard section[0] == 0x02, section.count >= 12, section[5] & 1 == 1 else { return nil }
        number = Int(section[3]) << 8 | Int(section[4])
        var index = 12 + (Int(section[10] & 0x0f) << 8 | Int(section[11]))
        while index + 5 <= section.count {
            let length = Int(section[index + 3] & 0x0f) << 8 | Int(section[index + 4])
            guard index + 5 + length <= section.count else { return nil }
            streams.append(
                Stream(
                    pid: Int(section[index + 1] & 0x1f) << 8 | Int(section[index + 2]), type: section[index],
                    descriptors: Array(section[index + 5..<index + 5 + length])))
            index += 5 + length
        }
    }
}

extension TSProgramMap.Stream {
    func descriptor(_ tag: UInt8) -> ArraySlice<UInt8>? {
        var index = 0
        while index + 2 <= descriptors.count {
            let end = index + 2 + Int(descriptors[index + 1])
            guard end <= descriptors.count else { return nil }
            if descriptors[index] == tag { return descriptors[index + 2..<end] }
            index = end
        }
        return nil
    }
}
