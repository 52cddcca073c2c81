/// G.711 A-law: 8 bits for 13 bits of PCM, on a logarithmic scale of 8 segments (ITU-T G.711, table 1a).
public enum ALaw {
    /// The sample, of 16 bits, that each code stands for: the middle of its step.
    public static let samples: [Int16] = (0..<256).map { code in
        // Every other bit is sent inverted: sign, 3 bits of segment, 4 of the step in it.
        let bits = UInt8(code) ^ 0x55
        let segment = Int(bits >> 4 & 7)
        let step = Int(bits & 0x0f) << 4 + 8
        let magnitude = segment == 0 ? step : (step + 0x100) << (segment - 1)
        return Int16(bits & 0x80 != 0 ? magnitude : -magnitude)
    }

    /// The code for each value of a sample's upper 14 bits, of which the lowest does not count.
    public static let codes: [UInt8] = (0..<1 << 14).map { index in
        let value = Int(Int16(truncatingIfNeeded: index << 2)) >> 3
        let magnitude = value < 0 ? -value - 1 : value
        // Two segments have steps of one size.
        let segment = max(0, Int.bitWidth - magnitude.leadingZeroBitCount - 5)
        let step = UInt8(magnitude >> max(1, segment) & 0x0f)
        return ((value < 0 ? 0 : 0x80) | UInt8(segment) << 4 | step) ^ 0x55
    }
}
