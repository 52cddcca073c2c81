import Glibc

extension SocketAddress {
    /// From where an address can be reached.
    public enum Reach: Sendable {
        /// This machine alone: 127.0.0.0/8, ::1.
        case machine
        /// One link: 169.254.0.0/16, fe80::/10.
        case link
        /// Networks of one owner: RFC 1918, RFC 6598 (100.64.0.0/10), RFC 4193 (fc00::/7).
        case site
        /// The Internet.
        case everywhere
        /// Nowhere: 0.0.0.0, ::, multicast, and where there is no address.
        case nowhere
    }

    /// As the address itself tells it; a firewall may still stand before it.
    public var reach: Reach {
        let plain = unmapped
        guard !plain.isMulticast else { return .nowhere }
        return withUnsafeBytes(of: plain.storage) { bytes in
            switch plain.family {
            case AF_INET:
                switch (bytes[4], bytes[5]) {
                case (0, _): .nowhere
                case (127, _): .machine
                case (169, 254): .link
                case (10, _), (172, 16...31), (192, 168), (100, 64...127): .site
                default: .everywhere
                }
            case AF_INET6:
                switch (bytes[8], bytes[9]) {
                case (0xfe, 0x80...0xbf): .link
                case (0xfc...0xfd, _): .site
                case (0, 0) where bytes[8..<23].allSatisfy { $0 == 0 } && bytes[23] < 2:
                    bytes[23] == 1 ? .machine : .nowhere
                default: .everywhere
                }
            default: .nowhere
            }
        }
    }
}
