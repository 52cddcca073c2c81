import HTTP
import Sluice

/// The address by which Twilio reaches the HTTP port, whatever stands in front: `https://calls.example.org`. Pure.
struct PublicAddress: Sendable {
    /// As the graph gives it; nil takes what each request says.
    private let given: String?
    /// The port itself speaks TLS.
    private let isSecure: Bool

    /// Throws for an address that is none. `service` is the port's own.
    init(_ text: String, service: String) throws {
        isSecure = service.hasPrefix("https://")
        guard !text.isEmpty else {
            given = nil
            return
        }
        let bare = text.hasSuffix("/") ? String(text.dropLast()) : text
        let host = bare.dropFirst(bare.hasPrefix("https://") ? 8 : 7)
        let isPlain = bare.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && !"\"<>&?#".utf8.contains($0) }
        guard bare.hasPrefix("https://") || bare.hasPrefix("http://"), !host.isEmpty, isPlain else {
            throw NodeError(
                "url is \"\(printable(text))\"", advice: "Write the address that Twilio calls, as https://example.org.",
                isInputError: true)
        }
        given = bare
    }

    /// nil where the request does not tell its host.
    private func base(_ request: HTTPRequest) -> String? {
        if let given { return given }
        guard let host = request.headers["Host"], 1...255 ~= host.utf8.count,
            host.utf8.allSatisfy({ byte in
                UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
                    || "-.:[]_".utf8.contains(byte)
            })
        else { return nil }
        // The proxy in front speaks TLS, and says so; of several the first.
        let isForwarded = request.headers.list("X-Forwarded-Proto").first?.lowercased() == "https"
        return "\(isSecure || isForwarded ? "https" : "http")://\(host)"
    }

    /// The WebSocket at `path`; nil where the request does not tell its host.
    func socket(_ path: String, _ request: HTTPRequest) -> String? {
        base(request).map { "ws" + $0.dropFirst(4) + path }
    }

    /// The addresses that Twilio may have signed: with the port and without it, as wss and as https.
    func signed(_ request: HTTPRequest) -> [String] {
        guard let base = base(request) else { return [] }
        let rest = request.path + (request.query.isEmpty ? "" : "?\(request.query)")
        var addresses: [String] = []
        for base in [base, PublicAddress.withoutPort(base), PublicAddress.withPort(base)] {
            addresses += [base + rest, "ws" + base.dropFirst(4) + rest]
        }
        // A proxy that speaks TLS and does not say so.
        for address in addresses where address.hasPrefix("http://") { addresses.append("https" + address.dropFirst(4)) }
        for address in addresses where address.hasPrefix("ws://") { addresses.append("wss" + address.dropFirst(2)) }
        return addresses
    }

    private static func withoutPort(_ base: String) -> String {
        guard let colon = base.lastIndex(of: ":"), base[base.index(after: colon)...].allSatisfy(\.isNumber) else {
            return base
        }
        return String(base[..<colon])
    }

    private static func withPort(_ base: String) -> String {
        withoutPort(base) != base ? base : base + (base.hasPrefix("https") ? ":443" : ":80")
    }
}
