import Bitstream

/// Profile and level of H.264 as descriptions name them (RFC 6184, section 8.1): `42e01f`.
public struct H264Profile: Hashable, Sendable {
    /// profile_idc: 66 is baseline, 77 main, 100 high.
    public var profile: UInt8
    /// constraint_set0_flag in the highest bit.
    public var constraints: UInt8
    /// Ten times the level: 31 for 3.1.
    public var level: UInt8

    /// Pictures that all decoders of one family can decode.
    public enum Family: Hashable, Sendable {
        case constrainedBaseline, baseline, main, extended, constrainedHigh, high
        /// By profile_idc and the flags.
        case other(UInt8, UInt8)

        /// In words.
        public var name: String {
            switch self {
            case .constrainedBaseline: "constrained baseline"
            case .baseline: "baseline"
            case .main: "main"
            case .extended: "extended"
            case .constrainedHigh: "constrained high"
            case .high: "high"
            case .other(let profile, _): "profile \(profile)"
            }
        }
    }

    /// `level` is ten times the level.
    public init(profile: UInt8, constraints: UInt8, level: UInt8) {
        (self.profile, self.constraints, self.level) = (profile, constraints, level)
    }

    /// Of a stream.
    public init(_ sps: SequenceParameterSet) {
        self.init(profile: sps.profile, constraints: sps.constraints, level: sps.level)
    }

    /// `text` is `profile-level-id`; nil where it is not six hexadecimal digits.
    public init?(_ text: some StringProtocol) {
        let digits = text.utf8
        guard digits.count == 6, digits.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }),
            let word = UInt32(text, radix: 16)
        else { return nil }
        self.init(
            profile: UInt8(truncatingIfNeeded: word >> 16), constraints: UInt8(truncatingIfNeeded: word >> 8),
            level: UInt8(truncatingIfNeeded: word))
    }

    /// Where a description says nothing (RFC 6184, section 8.1).
    public static let unsaid = H264Profile(profile: 66, constraints: 0, level: 10)

    /// Constrained baseline, which all browsers with H.264 have; `level` is ten times the level.
    public static func constrainedBaseline(level: UInt8) -> H264Profile {
        H264Profile(profile: 66, constraints: 0xe0, level: level)
    }

    /// RFC 6184, table 5.
    public var family: Family {
        switch (profile, constraints & 0x0f) {
        case (66, 0): constraints & 0x40 != 0 ? .constrainedBaseline : .baseline
        case (77, 0): constraints & 0x80 != 0 ? .constrainedBaseline : .main
        case (88, 0):
            switch constraints & 0xc0 {
            case 0xc0: .constrainedBaseline
            case 0x80: .baseline
            default: .extended
            }
        // set4 and set5 forbid interlace and B pictures (Rec. ITU-T H.264, A.2.4.2).
        case (100, 0x0c): .constrainedHigh
        case (100, 0): .high
        default: .other(profile, constraints)
        }
    }

    /// constraint_set3_flag makes 1.1 of these profiles 1b (section A.3.1).
    private var isLevel1b: Bool { level == 11 && constraints & 0x10 != 0 && profile < 100 }

    /// A number that rises with the level; 1b stands between 1 and 1.1.
    var rank: Int { isLevel1b ? 21 : Int(level) * 2 }

    /// `42e01f`.
    public var text: String {
        [profile, constraints, level].map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }

    /// With another level, which is ten times the level.
    func at(level: UInt8) -> H264Profile { H264Profile(profile: profile, constraints: constraints, level: level) }
}

extension H264Profile: CustomStringConvertible {
    /// `constrained baseline 4 (42e028)`.
    public var description: String {
        let number = level % 10 == 0 ? "\(level / 10)" : "\(level / 10).\(level % 10)"
        return "\(family.name) \(isLevel1b ? "1b" : number) (\(text))"
    }
}
