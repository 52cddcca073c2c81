import HTTP
import HTTPClient
import Sluice
import Synchronization

/// A token of RTZR, as `POST /v1/authenticate` gives it.
struct ProviderToken: Equatable, Sendable {
    /// Five minutes before it expires another is asked for.
    static let margin = 300.0

    var text: String
    /// In s since 1970.
    var expires: Double

    /// Whether it may still be shown, at a time in s since 1970.
    func isFresh(at time: Double) -> Bool { time < expires - ProviderToken.margin }

    /// Why there is none: the middle of a sentence without anything secret.
    struct Refusal: Error, Equatable {
        var why: String
        var retryAfter: Interval?
    }

    static func call(_ url: String, id: String, secret: String) -> HTTPCall {
        let form = "client_id=\(WireReading.escaped(id))&client_secret=\(WireReading.escaped(secret))"
        return HTTPCall(
            .post, url + "/v1/authenticate", headers: ["Content-Type": "application/x-www-form-urlencoded"],
            body: Array(form.utf8))
    }

    /// Reads the answer. Throws `Refusal`.
    init(_ answer: HTTPCall.Answer) throws(Refusal) {
        let value = answer.text.flatMap(WireReading.object)
        guard answer.status == 200 else {
            let code = WireReading.code(value?["code"])
            let told = code.isEmpty ? "\(answer.status)" : "\(answer.status), \(code)"
            throw Refusal(
                why: answer.status == 400 || answer.status == 401 || answer.status == 403
                    ? "refuses the credentials (\(told))" : "gives no token (\(told))",
                retryAfter: RetryAfter.read(answer.headers["Retry-After"]))
        }
        guard let text = value?["access_token"]?.string, !text.isEmpty, text.utf8.count <= 8_192,
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
        else { throw Refusal(why: "gives no token: its answer has none", retryAfter: nil) }
        self.text = text
        expires = WireReading.seconds(value?["expire_at"], unit: 1e6).map { $0 * 1e6 } ?? 0
    }
}

/// `Retry-After` (RFC 9110, section 10.2.3) in seconds; a date is no number, and leaves it to the caller.
enum RetryAfter {
    static func read(_ text: String?) -> Interval? {
        guard let text, let seconds = Int(text.split(separator: " ").first ?? ""), seconds >= 0 else { return nil }
        return .seconds(Double(min(seconds, 3_600)))
    }
}

/// The tokens of the process, by the address and the client that they are for. From any thread.
enum TokenDesk {
    private static let tokens = Mutex<[String: ProviderToken]>([:])

    static func token(_ key: String, at time: Double) -> String? {
        tokens.withLock { tokens in
            guard let token = tokens[key], token.isFresh(at: time) else { return nil }
            return token.text
        }
    }

    static func keep(_ token: ProviderToken, _ key: String) { tokens.withLock { $0[key] = token } }
    static func forget(_ key: String) { tokens.withLock { $0[key] = nil } }
}
