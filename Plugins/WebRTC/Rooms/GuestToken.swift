import DTLS
import Sluice

/// A guest's ticket to one room: a JSON Web Token (RFC 7519) that somebody who has the key has signed by HMAC with
/// SHA-256 (HS256; RFC 7515). Pure: keys and the time in, claims out.
struct GuestToken: Equatable, Sendable {
    var room: String
    /// The name that the guest has there; nil lets it choose.
    var name: String?
    var mayPublish = true
    var maySubscribe = true
    /// Unix time in seconds, at which it is no longer good.
    var expires: Double

    /// Why a token is not taken, as a sentence. It holds nothing of the token.
    struct Refusal: Error, Equatable {
        var sentence: String
        /// One of the keys has signed it.
        var isSigned: Bool
        init(_ sentence: String, isSigned: Bool = true) { (self.sentence, self.isSigned) = (sentence, isSigned) }
    }

    /// The most bytes of a token.
    static let most = 4_096
    /// Clocks of those who sign and of this machine may be so far apart, in seconds.
    static let leeway = 5.0

    /// Throws for one that none of `keys` has signed, that is over, or that makes no sense.
    init(_ text: String, keys: GuestKeys, unixSeconds now: Double) throws(Refusal) {
        guard text.utf8.count <= GuestToken.most else {
            throw Refusal("The token is longer than 4096 bytes.", isSigned: false)
        }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let head = Base64URL.decode(parts[0]), let body = Base64URL.decode(parts[1]),
            let code = Base64URL.decode(parts[2])
        else { throw Refusal("The token is no JSON Web Token of three parts.", isSigned: false) }
        // The algorithm is ours to choose, not the token's (RFC 8725, section 3.1).
        guard GuestToken.parse(head)?["alg"]?.string == "HS256" else {
            throw Refusal("The token is not signed by HS256.", isSigned: false)
        }
        guard keys.haveSigned(Array(text.utf8.prefix(parts[0].utf8.count + 1 + parts[1].utf8.count)), code) else {
            throw Refusal("The token is signed by another key.", isSigned: false)
        }
        guard let claims = GuestToken.parse(body) else { throw Refusal("The token's claims are no JSON object.") }
        guard let expires = claims["exp"]?.number else {
            throw Refusal("The token has no exp: say until when it is good.")
        }
        guard now < expires + GuestToken.leeway else { throw Refusal("The token has expired.") }
        if let begins = claims["nbf"], !begins.isNull {
            guard let begins = begins.number, begins <= now + GuestToken.leeway else {
                throw Refusal("The token is not good yet.")
            }
        }
        guard let room = claims["room"]?.string, RoomName.isValid(room) else {
            throw Refusal("The token names no room. \(RoomName.rule)")
        }
        (self.room, self.expires) = (room, expires)
        if let found = claims["name"], !found.isNull {
            guard let name = found.string, RoomName.isValid(name) else {
                throw Refusal("The token's name is none. \(RoomName.rule)")
            }
            self.name = name
        }
        mayPublish = try GuestToken.flag("publish", claims)
        maySubscribe = try GuestToken.flag("subscribe", claims)
    }

    private static func flag(_ name: String, _ claims: JSONValue) throws(Refusal) -> Bool {
        guard let found = claims[name], !found.isNull else { return true }
        guard let flag = found.boolean else { throw Refusal("\(name) of the token is neither true nor false.") }
        return flag
    }

    private static func parse(_ bytes: [UInt8]) -> JSONValue? {
        let value = try? JSONValue.parse(bytes, limits: JSONValue.Limits(bytes: most, depth: 4))
        return value?.members == nil ? nil : value
    }
}

/// The keys that sign guests' tokens: one, or two while one takes the place of the other.
struct GuestKeys: Sendable {
    private let keys: [[UInt8]]

    /// nil where `text` is empty. Throws `NodeError`, in which no key is told.
    static func read(_ text: String) throws -> GuestKeys? {
        let keys = text.split(separator: ",").map { Array($0.utf8) }
        guard !keys.isEmpty else { return nil }
        // RFC 7518, section 3.2.
        guard keys.count <= 2, keys.allSatisfy({ $0.count >= 32 }) else {
            throw NodeError(
                "guest_keys has more than two keys, or one shorter than 32 characters",
                advice: "Make one with: openssl rand -hex 32", isInputError: true)
        }
        return GuestKeys(keys: keys)
    }

    func haveSigned(_ text: [UInt8], _ code: [UInt8]) -> Bool {
        var isFound = false
        for key in keys {
            let right = Secrets.hmacSHA256(key, text)
            let isRight = right.withUnsafeBytes { right in code.withUnsafeBytes { Secrets.areEqual(right, $0) } }
            isFound = isFound || isRight
        }
        return isFound
    }
}

/// The alphabet of RFC 4648, section 5, without padding.
enum Base64URL {
    /// nil for text that has other signs, or a length that no bytes have.
    static func decode(_ text: some StringProtocol) -> [UInt8]? {
        var (bits, count, bytes) = (UInt32(0), 0, [UInt8]())
        bytes.reserveCapacity(text.utf8.count * 3 / 4)
        for sign in text.utf8 {
            let value: UInt8
            switch sign {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = sign - UInt8(ascii: "A")
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = sign - UInt8(ascii: "a") + 26
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = sign - UInt8(ascii: "0") + 52
            case UInt8(ascii: "-"): value = 62
            case UInt8(ascii: "_"): value = 63
            default: return nil
            }
            (bits, count) = (bits << 6 | UInt32(value), count + 6)
            guard count >= 8 else { continue }
            count -= 8
            bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
        }
        // Bits that are left over have to be 0, so that one text has one meaning.
        guard count < 6, bits & (1 << UInt32(count) - 1) == 0 else { return nil }
        return bytes
    }
}
