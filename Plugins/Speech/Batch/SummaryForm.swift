import HTTP
import HTTPClient
import Sluice

/// The request and the answer of OpenAI's `POST /v1/chat/completions`, as others have them too. Pure.
struct SummaryForm: Sendable {
    /// There is no summary; the middle of a sentence, without words of the server.
    struct Refusal: Error, Equatable {
        var why: String
        var retryAfter: Interval?
        /// It is the server's fault, and not that of these texts.
        var isOfTheServer: Bool
    }

    /// The whole address.
    var url: String
    var key = ""
    var model = ""
    /// Asks for the summary.
    var prompt = ""

    func call(_ text: String, patience: Interval) -> HTTPCall {
        var headers: HTTPHeaders = ["Content-Type": "application/json"]
        if !key.isEmpty { headers.add("Authorization", "Bearer \(key)") }
        return HTTPCall(.post, url, headers: headers, body: Array(body(text).utf8), timeout: patience)
    }

    func body(_ text: String) -> String {
        func message(_ role: String, _ content: String) -> JSONValue {
            .init(.object([.init("role", .init(.string(role))), .init("content", .init(.string(content)))]))
        }
        return JSONValue(
            .object([
                .init("model", .init(.string(model))),
                .init("messages", .init(.array([message("system", prompt), message("user", text)]))),
            ])
        ).line
    }

    /// The texts in the order of their times, a line each, with the speaker where there is one.
    static func text(of texts: [JSONValue]) -> String {
        texts.enumerated().sorted {
            ($0.element["start_s"]?.number ?? 0, $0.offset) < ($1.element["start_s"]?.number ?? 0, $1.offset)
        }.map { _, text in
            let speaker = text["speaker"]?.string ?? ""
            return (speaker.isEmpty ? "" : "\(speaker): ") + (text["text"]?.string ?? "")
        }.joined(separator: "\n")
    }

    func read(_ answer: HTTPCall.Answer) throws(Refusal) -> String {
        guard answer.status == 200 else {
            throw Refusal(
                why: "does not sum up (\(answer.status))", retryAfter: RetryAfter.read(answer.headers["Retry-After"]),
                isOfTheServer: [401, 403, 404, 429, 502, 503, 504].contains(answer.status))
        }
        guard
            let text = answer.text.flatMap(WireReading.object)?["choices"]?.array?.first?["message"]?["content"]?
                .string,
            !text.isEmpty
        else { throw Refusal(why: "gave an answer of no known form", isOfTheServer: false) }
        return text
    }
}
