import DTLS
import Net
import RTP
import Sluice

/// The STUN and TURN servers that peers are told. Credentials of TURN are made for each from a secret that the server
/// knows too, and end (coturn: `use-auth-secret`; draft-uberti-behave-turn-rest). The secret is never told.
struct ICEServers: Sendable {
    /// As a browser takes it, and a `Link` field tells it.
    struct Entry: Equatable, Sendable {
        var url: String
        /// nil of STUN.
        var credential: (name: String, password: String)?

        static func == (one: Entry, other: Entry) -> Bool {
            one.url == other.url && one.credential?.name == other.credential?.name
                && one.credential?.password == other.credential?.password
        }
    }

    private let urls: [String]
    private let secret: String
    private static let most = 16
    /// Credentials last so long.
    static let lifetime = 86_400

    init() { (urls, secret) = ([], "") }

    /// `list` has commas between URLs (RFC 7064, RFC 7065). Throws `NodeError` for what is none, and for TURN without a
    /// secret.
    init(_ list: String, secret: String) throws {
        urls = list.split(separator: ",").map { part in String(part.filter { $0 != " " }) }.filter { !$0.isEmpty }
        self.secret = secret
        guard urls.count <= ICEServers.most else {
            throw NodeError(
                "ice_servers has \(urls.count) servers, and \(ICEServers.most) are the most", advice: "Name fewer.",
                isInputError: true)
        }
        for url in urls {
            guard let scheme = url.split(separator: ":").first, ["stun", "stuns", "turn", "turns"].contains(scheme),
                url.utf8.count > scheme.utf8.count + 1,
                url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && ![0x22, 0x3c, 0x3e, 0x5c].contains($0) })
            else {
                throw NodeError(
                    "ice_servers has \"\(url.prefix(64))\", which is no STUN or TURN server",
                    advice: "Write stun:host:port, or turn:host:port?transport=tcp.", isInputError: true)
            }
            guard !scheme.hasPrefix("turn") || !secret.isEmpty else {
                throw NodeError(
                    "ice_servers has \(url.prefix(64)), and ice_secret is empty",
                    advice: "Set ice_secret to the static-auth-secret of the TURN server.", isInputError: true)
            }
        }
    }

    var isEmpty: Bool { urls.isEmpty }

    /// With credentials that are good from `unixSeconds` on for a day.
    func entries(unixSeconds: Int64) -> [Entry] {
        let name = "\(unixSeconds + Int64(ICEServers.lifetime)):sluice"
        var code = [UInt8](repeating: 0, count: 20)
        _ = Array(secret.utf8).withUnsafeBytes { key in
            Array(name.utf8).withUnsafeBytes { text in
                code.withUnsafeMutableBytes {
                    Secrets.hmacSHA1(key, text, UnsafeRawBufferPointer(start: nil, count: 0), $0)
                }
            }
        }
        let password = Base64.encode(code)
        return urls.map { Entry(url: $0, credential: $0.hasPrefix("turn") ? (name, password) : nil) }
    }

    /// The values of `Link` fields (RFC 9725, section 4.6).
    func links(unixSeconds: Int64) -> [String] {
        entries(unixSeconds: unixSeconds).map { entry in
            let credential = entry.credential.map {
                "; username=\"\($0.name)\"; credential=\"\($0.password)\"; credential-type=\"password\""
            }
            return "<\(entry.url)>; rel=\"ice-server\"" + (credential ?? "")
        }
    }

    /// With credentials that are good from now on.
    var current: [Entry] { isEmpty ? [] : entries(unixSeconds: SystemClock.unixNanoseconds / 1_000_000_000) }

    /// The same as values of `Link` fields.
    var links: [String] { isEmpty ? [] : links(unixSeconds: SystemClock.unixNanoseconds / 1_000_000_000) }
}
