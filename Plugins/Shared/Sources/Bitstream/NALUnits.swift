/// Finding the NAL units of H.264.
public enum NALUnits {
    /// nal_unit_type (ITU-T H.264, table 7-1).
    public static let slice: UInt8 = 1
    /// A slice of a picture with which decoding can begin.
    public static let idr: UInt8 = 5
    /// A sequence parameter set.
    public static let sps: UInt8 = 7
    /// A picture parameter set.
    public static let pps: UInt8 = 8

    /// nal_unit_type of a unit that begins with `header`.
    public static func type(_ header: UInt8) -> UInt8 { header & 31 }
    /// Whether a unit that begins with `header` is a sequence or a picture parameter set.
    public static func isParameterSet(_ header: UInt8) -> Bool { [sps, pps].contains(type(header)) }

    /// The units between start codes of three or four bytes (Annex B), without the zero bytes behind them. Empty ones
    /// are left out.
    public static func splitByStartCode(_ bytes: UnsafeRawBufferPointer, into units: inout [Range<Int>]) {
        var start: Int?
        var at = 0
        // The third byte of a start code is 1: any larger one rules out a code that would end there or before it.
        while at + 2 < bytes.count {
            let third = bytes[at + 2]
            if third > 1 {
                at += 3
            } else if third == 1 && bytes[at] == 0 && bytes[at + 1] == 0 {
                if let start { add(bytes, start..<at, to: &units) }
                start = at + 3
                at += 3
            } else {
                at += 1
            }
        }
        if let start { add(bytes, start..<bytes.count, to: &units) }
    }

    private static func add(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, to units: inout [Range<Int>]) {
        var end = range.upperBound
        while end > range.lowerBound, bytes[end - 1] == 0 { end -= 1 }
        if end > range.lowerBound { units.append(range.lowerBound..<end) }
    }

    /// The units behind lengths of `lengthSize` bytes, as mp4 and Matroska keep them. A length that does not add up
    /// ends it.
    public static func splitByLength(
        _ bytes: UnsafeRawBufferPointer, lengthSize: Int, into units: inout [Range<Int>]
    ) {
        var at = 0
        while at + lengthSize <= bytes.count {
            let count = bytes[at..<at + lengthSize].reduce(0) { $0 << 8 | Int($1) }
            at += lengthSize
            guard count <= bytes.count - at else { return }
            if count > 0 { units.append(at..<at + count) }
            at += count
        }
    }
}

/// An avcC box (ISO/IEC 14496-15, section 5.3.3.1), which mp4 and Matroska have as the configuration of H.264.
public struct AVCConfiguration: Equatable, Sendable {
    /// Bytes of the length in front of each NAL unit: 1, 2 or 4.
    public var lengthSize: Int
    /// NAL units without lengths: sequence parameter sets, then picture parameter sets.
    public var parameterSets: [[UInt8]]

    /// nil for anything else, such as parameter sets behind start codes.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count >= 7, bytes[0] == 1 else { return nil }
        lengthSize = Int(bytes[4] & 3) + 1
        parameterSets = []
        var at = 5
        for mask in [UInt8(31), 255] {
            guard at < bytes.count else { return }
            let count = Int(bytes[at] & mask)
            at += 1
            for _ in 0..<count {
                guard at + 2 <= bytes.count else { return nil }
                let size = Int(bytes[at]) << 8 | Int(bytes[at + 1])
                guard size > 0, at + 2 + size <= bytes.count else { return nil }
                parameterSets.append(Array(bytes[at + 2..<at + 2 + size]))
                at += 2 + size
            }
        }
    }

    /// The parameter sets of a configuration in either form.
    public static func parameterSets(of configuration: [UInt8]) -> [[UInt8]] {
        if let box = AVCConfiguration(configuration) { return box.parameterSets }
        return configuration.withUnsafeBytes { bytes in
            var units: [Range<Int>] = []
            NALUnits.splitByStartCode(bytes, into: &units)
            return units.map { Array(bytes[$0]) }
        }
    }
}
