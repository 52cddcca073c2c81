/// The fields that we need of an H.264 sequence parameter set (ITU-T H.264, section 7.3.2.1.1).
public struct SequenceParameterSet: Equatable, Sendable {
    /// profile_idc: 66 is baseline, 77 main, 100 high.
    public var profile: UInt8
    /// The eight bits behind it, constraint_set0_flag in the highest.
    public var constraints: UInt8
    /// level_idc: ten times the level, 31 for 3.1.
    public var level: UInt8
    /// Of the picture that is shown, cropping taken off.
    public var width: Int
    /// Of the picture that is shown, cropping taken off.
    public var height: Int
    /// Pictures that may come before others that are shown earlier; nil where the stream does not say.
    public var reorderedFrames: Int?
    /// Pictures may be two fields, which lie in time one behind the other.
    public var isInterlaced: Bool
    /// The shape in which each pixel is to be shown; nil where the stream does not say.
    public var pixelAspect: PixelAspect?

    /// sar_width to sar_height, as they stand there.
    public struct PixelAspect: Equatable, Sendable {
        /// In units of its own.
        public var width: Int
        /// In the same units.
        public var height: Int
    }

    /// `unit` is a NAL unit of type 7, its header included. nil where it is cut off or makes no sense.
    public init?(_ unit: some Collection<UInt8>) {
        guard let first = unit.first, first & 31 == NALUnits.sps else { return nil }
        var bits = BitReader(nalUnit: unit.dropFirst())
        guard let profile = bits.read(8), let constraints = bits.read(8), let level = bits.read(8), bits.exp() != nil
        else { return nil }
        (self.profile, self.constraints, self.level) = (UInt8(profile), UInt8(constraints), UInt8(level))

        var chroma: UInt32 = 1
        if [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135].contains(profile) {
            guard let format = bits.exp(), format <= 3 else { return nil }
            chroma = format
            if format == 3 { _ = bits.read(1) }
            guard bits.exp() != nil, bits.exp() != nil, bits.read(1) != nil, let hasLists = bits.read(1) else {
                return nil
            }
            if hasLists == 1 {
                for list in 0..<(format == 3 ? 12 : 8) {
                    guard bits.skipScalingList(of: list < 6 ? 16 : 64) else { return nil }
                }
            }
        }
        guard bits.exp() != nil, let order = bits.exp() else { return nil }
        if order == 0 {
            guard bits.exp() != nil else { return nil }
        } else if order == 1 {
            guard bits.read(1) != nil, bits.exp() != nil, bits.exp() != nil, let count = bits.exp(), count <= 255 else {
                return nil
            }
            for _ in 0..<count { guard bits.exp() != nil else { return nil } }
        }
        guard bits.exp() != nil, bits.read(1) != nil, let columns = bits.exp(), let rows = bits.exp(),
            let isProgressive = bits.read(1), columns < 2_048, rows < 2_048
        else { return nil }
        isInterlaced = isProgressive == 0
        if isInterlaced { _ = bits.read(1) }
        guard bits.read(1) != nil, let isCropped = bits.read(1) else { return nil }
        width = Int(columns + 1) * 16
        height = Int(rows + 1) * 16 * (isProgressive == 1 ? 1 : 2)
        if isCropped == 1 {
            guard let left = bits.exp(), let right = bits.exp(), let top = bits.exp(), let bottom = bits.exp() else {
                return nil
            }
            let stepX = chroma == 1 || chroma == 2 ? 2 : 1
            let stepY = (chroma == 1 ? 2 : 1) * (isProgressive == 1 ? 1 : 2)
            width -= stepX * (Int(left) + Int(right))
            height -= stepY * (Int(top) + Int(bottom))
        }
        guard width > 0, height > 0 else { return nil }
        guard bits.read(1) == 1 else { return }
        pixelAspect = bits.pixelAspectOfVUI()
        reorderedFrames = bits.reorderedFramesOfVUI()
    }

    /// profile_idc, constraint flags and level_idc as session descriptions write them: `42e01f`.
    public var profileLevelID: String {
        [profile, constraints, level].map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }
}

/// Reads the bits of a NAL unit, without the bytes that keep start codes out of it (section 7.4.1).
struct BitReader {
    private let bytes: [UInt8]
    private var position = 0

    init(nalUnit: some Collection<UInt8>) {
        var kept: [UInt8] = []
        var zeros = 0
        for byte in nalUnit {
            if zeros >= 2 && byte == 3 {
                zeros = 0
                continue
            }
            zeros = byte == 0 ? zeros + 1 : 0
            kept.append(byte)
        }
        bytes = kept
    }

    /// Up to 32 bits; nil behind the end.
    mutating func read(_ count: Int) -> UInt32? {
        guard position + count <= bytes.count * 8 else { return nil }
        var value: UInt32 = 0
        for _ in 0..<count {
            value = value << 1 | UInt32(bytes[position / 8] >> (7 - UInt8(position % 8)) & 1)
            position += 1
        }
        return value
    }

    /// ue(v), an Exp-Golomb code (section 9.1). As bits are all that is wanted of se(v), it serves for those too.
    mutating func exp() -> UInt32? {
        var zeros = 0
        while let bit = read(1) {
            if bit == 1 { return read(zeros).map { UInt32(truncatingIfNeeded: (UInt64(1) << zeros) - 1) &+ $0 } }
            zeros += 1
            guard zeros < 32 else { return nil }
        }
        return nil
    }

    /// se(v).
    mutating func signedExp() -> Int? {
        exp().map { $0 % 2 == 1 ? Int($0 / 2) + 1 : -Int($0 / 2) }
    }

    /// True unless the bits end (section 7.3.2.1.1.1).
    mutating func skipScalingList(of size: Int) -> Bool {
        guard let isPresent = read(1) else { return false }
        guard isPresent == 1 else { return true }
        var (last, next) = (8, 8)
        for _ in 0..<size where next != 0 {
            guard let delta = signedExp() else { return false }
            next = (last + delta + 256) & 255
            if next != 0 { last = next }
        }
        return true
    }

    /// aspect_ratio_idc (table E-1), the first part of the VUI; nil where it is not specified.
    fileprivate mutating func pixelAspectOfVUI() -> SequenceParameterSet.PixelAspect? {
        guard read(1) == 1, let number = read(8) else { return nil }
        if number == 255 {
            guard let width = read(16), let height = read(16), width > 0, height > 0 else { return nil }
            return .init(width: Int(width), height: Int(height))
        }
        let known = [
            (1, 1), (12, 11), (10, 11), (16, 11), (40, 33), (24, 11), (20, 11), (32, 11), (80, 33), (18, 11), (15, 11),
            (64, 33), (160, 99), (4, 3), (3, 2), (2, 1),
        ]
        guard 1...known.count ~= Int(number) else { return nil }
        return .init(width: known[Int(number) - 1].0, height: known[Int(number) - 1].1)
    }

    /// max_num_reorder_frames (section E.1.1), of what follows the pixels' shape; nil where the stream has none.
    mutating func reorderedFramesOfVUI() -> Int? {
        if read(1) == 1 { _ = read(1) }
        if read(1) == 1 {
            _ = read(4)
            if read(1) == 1 { _ = read(24) }
        }
        if read(1) == 1 { (_, _) = (exp(), exp()) }
        if read(1) == 1 { (_, _, _) = (read(32), read(32), read(1)) }
        var hasHRD = false
        for _ in 0..<2 where read(1) == 1 {
            hasHRD = true
            guard let count = exp(), count < 32 else { return nil }
            _ = read(8)
            for _ in 0...count { (_, _, _) = (exp(), exp(), read(1)) }
            _ = read(20)
        }
        if hasHRD { _ = read(1) }
        _ = read(1)
        guard read(1) == 1, read(1) != nil, exp() != nil, exp() != nil, exp() != nil, exp() != nil,
            let reordered = exp(), reordered <= 16
        else { return nil }
        return Int(reordered)
    }
}
