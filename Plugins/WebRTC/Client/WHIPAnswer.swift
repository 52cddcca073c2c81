import HTTPClient
import Sluice

/// A server's answer to an offer by WHIP or WHEP, understood (RFC 9725, section 4.2).
enum WHIPAnswer: Equatable {
    /// The description, and where the session is ended.
    case accepted(String, session: String?)
    /// Perhaps later: the sentence, and how long the server wants to be left alone.
    case later(String, Interval?)
    /// Not in this way.
    case refused(String, advice: String)

    init(_ answer: HTTPCall.Answer, from host: String) {
        let said = WHIPAnswer.words(of: answer)
        switch answer.status {
        case 201, 200:
            // 200 is no answer by the letter; some servers give it.
            guard answer.headers.mediaType == "application/sdp", let text = answer.text else {
                self = .refused(
                    "\(host) answers the offer with \(answer.headers.mediaType ?? "nothing") and not with SDP",
                    advice: "Check the address: it is no endpoint of WHIP or WHEP.")
                return
            }
            self = .accepted(text, session: answer.location)
        case 401, 403:
            self = .refused("\(host) does not let us in (\(answer.status))\(said)", advice: "Check token.")
        case 405, 410:
            self = .refused("\(host) has no such endpoint (\(answer.status))\(said)", advice: "Check the address.")
        case 404:
            // A stream that has not begun, or a server that has just started.
            self = .later("\(host) has nothing at this address (404)\(said)", nil)
        case 400, 406, 415, 422:
            self = .refused(
                "\(host) does not take the offer (\(answer.status))\(said)",
                advice: "The server may want another codec: H.264 and VP8, Opus.")
        case 409, 408, 425, 429, 500...599:
            self = .later(
                "\(host) cannot take us now (\(answer.status))\(said)",
                answer.headers["Retry-After"].flatMap { Int($0) }.map { .seconds(Double(min(max($0, 0), 3_600))) })
        default:
            self = .refused("\(host) answers the offer with \(answer.status)\(said)", advice: "Check the address.")
        }
    }

    /// The first line of a text that explains it.
    private static func words(of answer: HTTPCall.Answer) -> String {
        guard let type = answer.headers.mediaType, type.hasPrefix("text/plain") || type.hasSuffix("json"),
            let line = answer.text?.split(whereSeparator: \.isNewline).first, !line.isEmpty
        else { return "" }
        return ": \(line.prefix(200))"
    }
}
