import Net

/// The way to a peer: its address, and by UDP or over which TCP connection.
public struct ICERoute: Sendable {
    /// Of the peer.
    public let address: SocketAddress
    /// The owner's number of a TCP connection; nil for UDP.
    public let connection: UInt64?
    let key: SocketAddress.Key

    /// `connection` is nil for UDP.
    public init(_ address: SocketAddress, connection: UInt64? = nil) {
        self.address = address
        self.connection = connection
        key = address.key
    }

    /// Both by UDP or both by TCP, and from one address of the peer; ports may differ.
    public func isSameNetwork(as other: ICERoute) -> Bool {
        (connection == nil) == (other.connection == nil)
            && address.unmapped.hostBytes == other.address.unmapped.hostBytes
    }
}

extension ICERoute: Hashable {
    /// IPv4 and its IPv4-mapped form are the same.
    public static func == (a: ICERoute, b: ICERoute) -> Bool { a.key == b.key && a.connection == b.connection }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(key)
        hasher.combine(connection)
    }
}

extension ICERoute: CustomStringConvertible {
    /// `192.0.2.1:5000 by UDP`.
    public var description: String { "\(address.unmapped) by \(connection == nil ? "UDP" : "TCP")" }
}
