import Sluice

extension MediaFormat {
    /// This format with the H.264 parameter sets that `packet`, its first keyframe, carries in Annex B form (ITU-T H.264,
    /// Annex B), where the format has none of its own: mp4 and Matroska want them before the first packet.
    public func withParameterSets(of packet: Packet) -> MediaFormat {
        guard codec == .h264, configuration.isEmpty, let video else { return self }
        var sets: [UInt8] = []
        for unit in annexBUnits(packet.bytes) {
            guard let first = unit.first else { continue }
            // nal_unit_type 7 and 8: sequence and picture parameter sets (ITU-T H.264, table 7-1).
            if first & 31 == 7 || first & 31 == 8 { sets += [0, 0, 0, 1] + unit }
        }
        return sets.isEmpty ? self : MediaFormat(codec: .h264, video: video, configuration: sets, bitrate: bitrate)
    }
}

/// The NAL units between start codes of three or four bytes.
func annexBUnits(_ bytes: UnsafeRawBufferPointer) -> [[UInt8]] {
    var units: [[UInt8]] = []
    var start: Int?
    var index = 0
    while index + 2 < bytes.count {
        guard bytes[index] == 0, bytes[index + 1] == 0, bytes[index + 2] == 1 else {
            index += 1
            continue
        }
        if let start { units.append(trimmed(bytes[start..<index])) }
        start = index + 3
        index += 3
    }
    if let start { units.append(trimmed(bytes[start..<bytes.count])) }
    return units
}

/// Without the zero bytes that belong to the next start code.
private func trimmed(_ unit: Slice<UnsafeRawBufferPointer>) -> [UInt8] {
    var bytes = [UInt8](unit)
    while bytes.last == 0 { bytes.removeLast() }
    return bytes
}
