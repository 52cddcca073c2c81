/// The other end of a connection.
struct Peer: Sendable {
    /// `192.0.2.1:50000`, `[2001:db8::1]:50000`.
    let shown: String
    /// Those that count as one: an IPv4 address, or the 64 bits of an IPv6 address that name a network.
    let group: [UInt8]

    /// `host` has 4 or 16 bytes.
    init(shown: String, host: [UInt8]) {
        self.shown = shown
        // ::ffff:192.0.2.1 (RFC 4291, section 2.5.5.2).
        let isMapped = host.count == 16 && host[..<10].allSatisfy { $0 == 0 } && host[10] == 0xff && host[11] == 0xff
        group = isMapped ? Array(host[12...]) : Array(host.prefix(8))
    }
}
