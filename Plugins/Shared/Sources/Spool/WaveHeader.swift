/// The first 44 bytes of a WAV file with mono PCM of 16 bits (Microsoft, "Multimedia Programming Interface", RIFF).
/// Pure.
public enum WaveHeader {
    /// In bytes. The samples follow, little endian.
    public static let size = 44

    /// For so many samples, at `rate` a second. More than 4 GiB of them are told as that.
    public static func bytes(samples: Int, rate: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        func put(_ value: UInt32) {
            for shift: UInt32 in [0, 8, 16, 24] { bytes.append(UInt8(value >> shift & 0xff)) }
        }
        func put(_ value: UInt16) { for shift: UInt16 in [0, 8] { bytes.append(UInt8(value >> shift & 0xff)) } }
        let length = UInt32(clamping: samples.multipliedReportingOverflow(by: 2).partialValue)
        bytes += Array("RIFF".utf8)
        put(length.addingReportingOverflow(36).overflow ? .max : length + 36)
        bytes += Array("WAVEfmt ".utf8)
        put(UInt32(16))
        put(UInt16(1))
        put(UInt16(1))
        put(UInt32(clamping: rate))
        put(UInt32(clamping: rate * 2))
        put(UInt16(2))
        put(UInt16(16))
        bytes += Array("data".utf8)
        put(length)
        return bytes
    }

    /// Samples of 16 bits in bytes, without an odd one at the end.
    public static func samples(_ bytes: ArraySlice<UInt8>) -> [Int16] {
        bytes.withUnsafeBytes { raw in
            [Int16](unsafeUninitializedCapacity: raw.count / 2) { samples, count in
                count = raw.count / 2
                for index in 0..<count {
                    samples[index] = Int16(littleEndian: raw.loadUnaligned(fromByteOffset: index * 2, as: Int16.self))
                }
            }
        }
    }

    /// Their bytes.
    public static func bytes(_ samples: some Collection<Int16>) -> [UInt8] {
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
