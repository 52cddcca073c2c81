import DTLS
import HTTP
import RTP

/// The proof that a request is Twilio's: `X-Twilio-Signature` is the HMAC-SHA1, in base 64, of its whole address and of
/// the fields of its form, under the account's auth token (Twilio, "Validate requests").
struct RequestSignature: Sendable {
    private let token: String

    init(token: String) { self.token = token }

    /// `address` is the one that Twilio was told, with its query. Fields come behind it in the order of their names.
    func of(_ address: String, _ fields: [(name: String, value: String)] = []) -> String {
        let sorted = fields.sorted { ($0.name, $0.value) < ($1.name, $1.value) }
        var (key, text) = (token, address + sorted.map { $0.name + $0.value }.joined())
        var code = [UInt8](repeating: 0, count: 20)
        key.withUTF8 { key in
            text.withUTF8 { text in
                code.withUnsafeMutableBytes { code in
                    let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
                    _ = Secrets.hmacSHA1(UnsafeRawBufferPointer(key), UnsafeRawBufferPointer(text), nothing, code)
                }
            }
        }
        return Base64.encode(code)
    }

    /// Whether `shown` signs one of `addresses`. Compared in a time that tells nothing of how much is right.
    func matches(_ shown: String?, _ addresses: [String], _ fields: [(name: String, value: String)] = []) -> Bool {
        guard let shown else { return false }
        var isRight = false
        for address in addresses where Secrets.areEqual(of(address, fields), shown) { isRight = true }
        return isRight
    }
}
