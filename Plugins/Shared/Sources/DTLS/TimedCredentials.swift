import RTP

/// A user name and a password that a TURN server takes until a moment, from a secret that it shares with us: coturn's
/// `use-auth-secret`, after draft-uberti-behave-turn-rest.
public struct TimedCredentials: Equatable, Sendable {
    /// `1788000000:viewer.3`
    public let username: String
    /// HMAC-SHA1 of the user name under the secret, in base 64.
    public let password: String

    /// `expiry` is in s of Unix time. `name` says for whom they are; the server only logs it.
    public init(secret: String, expiry: Int64, name: String) {
        var (key, user) = (secret, "\(expiry):\(name)")
        var code = [UInt8](repeating: 0, count: 20)
        key.withUTF8 { key in
            user.withUTF8 { user in
                code.withUnsafeMutableBytes { code in
                    let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
                    _ = Secrets.hmacSHA1(UnsafeRawBufferPointer(key), UnsafeRawBufferPointer(user), nothing, code)
                }
            }
        }
        (username, password) = (user, Base64.encode(code))
    }
}
