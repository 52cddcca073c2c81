/// Where a datagram came from: the host, and its port. A receiver compares it, without a socket.
public struct PacketOrigin: Hashable, Sendable {
    /// An address of IPv6, or one of IPv4 as IPv6 maps it (RFC 4291, section 2.5.5.2).
    public struct Host: Hashable, Sendable {
        @usableFromInline let high: UInt64
        @usableFromInline let low: UInt64

        /// `bytes` in network order: 4 of IPv4, 16 of IPv6. Others give the address of no host.
        @inlinable public init(_ bytes: some Collection<UInt8>) {
            func word(_ part: some Collection<UInt8>) -> UInt64 { part.reduce(0) { $0 << 8 | UInt64($1) } }
            switch bytes.count {
            case 4: (high, low) = (0, 0xffff << 32 | word(bytes))
            case 16: (high, low) = (word(bytes.prefix(8)), word(bytes.dropFirst(8)))
            default: (high, low) = (0, 0)
            }
        }
    }

    /// The address.
    public var host: Host
    /// Of UDP.
    public var port: UInt16

    /// `port` is that of UDP.
    public init(host: Host, port: UInt16) {
        self.host = host
        self.port = port
    }
}
