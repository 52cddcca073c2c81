/// The parts of an address of a WebSocket: `wss://HOST:PORT/PATH?QUERY`. Pure.
public struct WebSocketAddress: Equatable, Sendable {
    /// Whether TLS is spoken.
    public var hasTLS: Bool
    /// A name, or an address in digits; that of IPv6 without its brackets.
    public var host: String
    /// 443 or 80 where none is given.
    public var port: Int
    /// With the query, at least `/`.
    public var path: String
    /// As it stands in the request.
    public var authority: String

    /// nil where the text is none: `ws`, `wss`, `http` and `https` are taken, a user and a password are not.
    public init?(_ text: String) {
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { return nil }
        let schemes = [("wss://", true), ("https://", true), ("ws://", false), ("http://", false)]
        guard let (scheme, hasTLS) = schemes.first(where: { text.lowercased().hasPrefix($0.0) }) else { return nil }
        let rest = text.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let tail = rest.dropFirst(authority.count).prefix { $0 != "#" }
        guard !authority.isEmpty, !authority.contains("@") else { return nil }
        self.hasTLS = hasTLS
        self.authority = String(authority)
        path = tail.hasPrefix("/") ? String(tail) : "/" + tail
        var name = authority
        port = hasTLS ? 443 : 80
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            name = authority[authority.index(after: authority.startIndex)..<end]
            let digits = authority[authority.index(after: end)...]
            if !digits.isEmpty {
                guard let port = WebSocketAddress.port(digits) else { return nil }
                self.port = port
            }
        } else if let colon = authority.firstIndex(of: ":") {
            name = authority[..<colon]
            guard let port = WebSocketAddress.port(authority[colon...]) else { return nil }
            self.port = port
        }
        guard !name.isEmpty else { return nil }
        host = String(name)
    }

    private static func port(_ text: Substring) -> Int? {
        guard text.hasPrefix(":"), let port = UInt16(text.dropFirst()), port > 0 else { return nil }
        return Int(port)
    }
}
