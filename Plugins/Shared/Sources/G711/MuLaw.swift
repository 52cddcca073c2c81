/// G.711 µ-law: 8 bits for 14 bits of PCM, on a logarithmic scale of 8 segments (ITU-T G.711, table 2a).
public enum MuLaw {
    /// The sample, of 16 bits, that each code stands for.
    public static let samples: [Int16] = (0..<256).map { code in
        // The code is sent inverted: sign, 3 bits of segment, 4 of the step in it.
        let bits = ~UInt8(code)
        let magnitude = ((Int(bits & 0x0f) << 3) + bias) << Int(bits >> 4 & 7)
        return Int16(bits & 0x80 != 0 ? bias - magnitude : magnitude - bias)
    }

    /// Makes the segments begin at powers of two; of 16-bit samples, 33 of 14-bit ones.
    private static let bias = 0x84

    /// The code for each value of a sample's upper 14 bits, by the table's decision values.
    public static let codes: [UInt8] = (0..<1 << 14).map { index in
        let value = Int(Int16(truncatingIfNeeded: index << 2)) >> 2
        let magnitude = min(abs(value), 8_158) + 33
        let segment = Int.bitWidth - 1 - magnitude.leadingZeroBitCount - 5
        let step = UInt8(magnitude >> (segment + 1) & 0x0f)
        return ~((value < 0 ? 0x80 : 0) | UInt8(segment) << 4 | step)
    }
}
