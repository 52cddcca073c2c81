import Sluice

/// How media lie in RTP payloads.
public enum PayloadFormat: Hashable, Sendable {
    /// RFC 7587.
    case opus
    /// G.711 µ-law (RFC 3551, section 4.5.14).
    case pcmu
    /// G.711 A-law, which telephones outside North America and Japan send (RFC 3551, section 4.5.14).
    case pcma
    /// RFC 7741.
    case vp8
    /// RFC 6184, packetization-mode 1 (and 0, which is a part of it).
    case h264
    /// RFC 3640.
    case aac(AACFraming)

    /// As a session description names it.
    public var encodingName: String {
        switch self {
        case .opus: "opus"
        case .pcmu: "PCMU"
        case .pcma: "PCMA"
        case .vp8: "VP8"
        case .h264: "H264"
        case .aac: "mpeg4-generic"
        }
    }

    /// Encoding names compare without case (RFC 4855, section 3). Of AAC it is the usual one: a description says more
    /// of it (`AACFraming`).
    public init?(encodingName: some StringProtocol) {
        let wanted = encodingName.lowercased()
        guard let found = PayloadFormat.allCases.first(where: { $0.encodingName.lowercased() == wanted }) else {
            return nil
        }
        self = found
    }

    /// nil for codecs that have no payload format here.
    public init?(codec: MediaFormat.Codec?) {
        switch codec {
        case .opus: self = .opus
        case .pcmu: self = .pcmu
        case .pcma: self = .pcma
        case .vp8: self = .vp8
        case .h264: self = .h264
        case .aac: self = .aac(AACFraming(clockRate: 48_000))
        default: return nil
        }
    }

    /// The codec of the frames.
    public var codec: MediaFormat.Codec {
        switch self {
        case .opus: .opus
        case .pcmu: .pcmu
        case .pcma: .pcma
        case .vp8: .vp8
        case .h264: .h264
        case .aac: .aac
        }
    }

    /// Its number where a description need not give one (RFC 3551, table 4); nil for those that have none.
    public var staticType: UInt8? {
        switch self {
        case .pcmu: 0
        case .pcma: 8
        case .opus, .vp8, .h264, .aac: nil
        }
    }

    /// Pictures, which depend on each other.
    public var isVideo: Bool { self == .vp8 || self == .h264 }

    /// The marker stands on the last packet of each frame, and not on the first one behind silence.
    public var marksEnds: Bool {
        if case .aac = self { true } else { isVideo }
    }

    /// How units of AAC lie in payloads; nil for others.
    public var framing: AACFraming? {
        if case .aac(let framing) = self { framing } else { nil }
    }

    /// Timestamps a second. Opus counts at 48 kHz whatever it was encoded from (RFC 7587, section 4.1).
    public var clockRate: Int {
        switch self {
        case .opus: 48_000
        case .pcmu, .pcma: 8_000
        case .vp8, .h264: 90_000
        case .aac(let framing): framing.clockRate
        }
    }
}

extension PayloadFormat: CaseIterable {
    /// One of each, AAC at 48 kHz.
    public static let allCases: [PayloadFormat] = [
        .opus, .pcmu, .pcma, .vp8, .h264, .aac(AACFraming(clockRate: 48_000)),
    ]
}
