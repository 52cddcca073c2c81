import Glibc
import Net

/// A candidate as an `a=candidate` line tells it (RFC 8839, section 5.1; TCP: RFC 6544, section 4.5).
public struct ICECandidate: Equatable, Sendable {
    /// Its origin (RFC 8445, section 5.1.1).
    public enum Kind: String, Sendable, CaseIterable {
        case host
        case serverReflexive = "srflx"
        case peerReflexive = "prflx"
        case relayed = "relay"

        /// Section 5.1.2.2.
        public var preference: UInt32 {
            switch self {
            case .host: 126
            case .peerReflexive: 110
            case .serverReflexive: 100
            case .relayed: 0
            }
        }
    }

    /// UDP, or the part in opening a TCP connection.
    public enum Transport: String, Sendable, CaseIterable {
        case udp
        /// It connects to others, and tells port 9.
        case active
        /// It waits for connections.
        case passive
        /// Both at once.
        case simultaneous = "so"
    }

    /// The same for candidates that are alike (section 5.1.1.3): 1 to 32 letters, digits, `+` and `/`.
    public var foundation: String
    /// 1 is RTP, or RTP and RTCP together.
    public var component: Int
    /// UDP, or the part in opening a TCP connection.
    public var transport: Transport
    /// The higher is preferred.
    public var priority: UInt32
    /// As written: an address in digits, or a name, as `.local` ones that browsers tell instead of their address.
    public var host: String
    /// 9 of an active TCP candidate.
    public var port: UInt16
    /// Its origin.
    public var kind: Kind
    /// The fragment that it belongs to, where the line tells it (`ufrag`), so that a late one of before a restart is
    /// known.
    public var fragment: String?

    /// A candidate of `address`, with the priority of section 5.1.2.1.
    public init(
        _ address: SocketAddress, transport: Transport = .udp, kind: Kind = .host, localPreference: UInt16 = .max,
        component: Int = 1, foundation: String? = nil
    ) {
        let plain = address.unmapped
        host = plain.parts.host
        port = transport == .active ? 9 : plain.port
        (self.kind, self.transport, self.component) = (kind, transport, component)
        priority = ICECandidate.priority(
            kind: kind, transport: transport, localPreference: localPreference, component: component)
        self.foundation = foundation ?? ICECandidate.foundation(of: plain, transport: transport, kind: kind)
    }

    /// Type, local preference and component in one number (section 5.1.2.1). Of TCP the type counts 27 less, so that
    /// UDP of the same type comes first (RFC 6544, section 4.2).
    public static func priority(
        kind: Kind, transport: Transport = .udp, localPreference: UInt16, component: Int = 1
    ) -> UInt32 {
        let type = transport == .udp || kind == .relayed ? kind.preference : kind.preference - 27
        return type << 24 | UInt32(localPreference) << 8 | UInt32(256 - min(max(component, 1), 256))
    }

    /// Alike where type, host and protocol are; it holds in one description.
    private static func foundation(of address: SocketAddress, transport: Transport, kind: Kind) -> String {
        // FNV-1a, so that equal input gives equal text in each process.
        let text = "\(kind.rawValue) \(transport.rawValue) \(address.parts.host)"
        return String(text.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 })
    }

    /// The address; nil where the host is a name, or an address that no candidate can have.
    public var address: SocketAddress? {
        let found = withUnsafeTemporaryAllocation(byteCount: 16, alignment: 4) { room -> SocketAddress? in
            for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] where inet_pton(family, host, room.baseAddress) == 1 {
                return SocketAddress(host: UnsafeRawBufferPointer(rebasing: room[..<count]), port: port)
            }
            return nil
        }
        return found?.reach == .nowhere ? nil : found
    }

    /// The candidate hides its address behind a name of multicast DNS (RFC 8828), which only its own network can
    /// find.
    public var isHidden: Bool { host.lowercased().hasSuffix(".local") }
}
