import RTP

/// The lines of a description for ICE and DTLS of a section (RFC 8839, RFC 8842).
public struct TransportDescription: Equatable, Sendable {
    /// Which side begins the handshake of DTLS (RFC 4145, section 4).
    public enum Setup: String, Sendable {
        case active
        case passive
        case actpass
        case holdconn
    }

    /// Of `a=ice-ufrag`: 4 to 256 characters; nil where no line says it.
    public var fragment: String?
    /// Of `a=ice-pwd`: 22 to 256 characters; nil where no line says it.
    public var password: String?
    /// The values of `a=fingerprint` lines: `sha-256 4A:AD:…`.
    public var fingerprints: [String] = []
    /// nil where no line says it.
    public var setup: Setup?
    /// `candidate:…`, as the lines have it behind `a=`, in order.
    public var candidates: [String] = []
    /// The side answers checks and makes none (RFC 8445, section 2.5).
    public var isLite = false
    /// Candidates may follow (RFC 8838).
    public var trickles = false
    /// No candidate follows.
    public var hasEnded = false

    /// Candidates of a section at most; more are passed over.
    public static let mostCandidates = 128

    /// Nothing is known.
    public init() {}

    /// Of `a=` lines, be they of a section or of the whole description.
    init(_ attributes: [SessionDescription.Attribute]) throws(NegotiationFault) {
        for attribute in attributes {
            let value = attribute.value ?? ""
            switch attribute.name {
            case "ice-ufrag":
                guard TransportDescription.isCredential(value, 4...256) else {
                    throw .line(attribute.name, "is not 4 to 256 letters, digits, + and /")
                }
                fragment = fragment ?? value
            case "ice-pwd":
                guard TransportDescription.isCredential(value, 22...256) else {
                    throw .line(attribute.name, "is not 22 to 256 letters, digits, + and /")
                }
                password = password ?? value
            case "fingerprint": if fingerprints.count < 16 { fingerprints.append(value) }
            case "setup":
                guard let setup = Setup(rawValue: value) else {
                    throw .line(attribute.name, "is \"\(value.prefix(32))\", not active, passive or actpass")
                }
                self.setup = self.setup ?? setup
            case "candidate":
                if candidates.count < TransportDescription.mostCandidates { candidates.append("candidate:" + value) }
            case "ice-lite": isLite = true
            case "ice-options": trickles = trickles || value.split(separator: " ").contains("trickle")
            case "end-of-candidates": hasEnded = true
            default: break
            }
        }
    }

    /// With what `other` says where nothing is said here.
    func filled(from other: TransportDescription) -> TransportDescription {
        var filled = self
        // A password belongs to its fragment.
        if fragment == nil { (filled.fragment, filled.password) = (other.fragment, other.password) }
        if fingerprints.isEmpty { filled.fingerprints = other.fingerprints }
        filled.setup = setup ?? other.setup
        if candidates.isEmpty { filled.candidates = other.candidates }
        filled.isLite = isLite || other.isLite
        filled.trickles = trickles || other.trickles
        filled.hasEnded = hasEnded || other.hasEnded
        return filled
    }

    static func isCredential(_ text: String, _ length: ClosedRange<Int>) -> Bool {
        length.contains(text.utf8.count)
            && text.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
                    true
                default: false
                }
            }
    }
}

extension TransportDescription: CustomStringConvertible, CustomReflectable {
    /// The fragment alone, so that no log has the password.
    public var description: String { "transport \(fragment ?? "without credentials")" }
    /// The fragment alone.
    public var customMirror: Mirror { Mirror(self, children: ["fragment": fragment as Any]) }
}

extension NegotiationFault {
    /// A line whose value cannot be taken.
    static func line(_ name: String, _ what: String) -> NegotiationFault {
        NegotiationFault(.malformed, "a=\(name) \(what)", advice: "Correct the line.")
    }
}
