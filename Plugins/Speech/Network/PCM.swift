/// Samples as numbers of 16 bits.
enum PCM {
    static func number(_ sample: Float) -> Int16 {
        sample.isNaN ? 0 : Int16(max(-32_768, min(32_767, (sample * 32_768).rounded())))
    }

    static func float(_ number: Int16) -> Float { Float(number) / 32_768 }

    /// Little endian.
    static func bytes(_ samples: some Collection<Int16>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(samples.count * 2)
        for sample in samples {
            let pattern = UInt16(bitPattern: sample)
            bytes.append(UInt8(truncatingIfNeeded: pattern))
            bytes.append(UInt8(truncatingIfNeeded: pattern >> 8))
        }
        return bytes
    }
}
