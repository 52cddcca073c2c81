import HTTP
import HTTPClient
import Sluice

/// Asks a server for a session by WHIP or WHEP, again and again where it cannot take us yet, and ends the session. On
/// the node's lane; requests wait on a worker's thread.
final class WHIPCaller {
    /// Something that came of a call.
    enum Event {
        case answered(String)
        /// The first of several failures: the sentence, and when it is tried again.
        case later(String, Interval)
    }

    /// For messages: `example.net:443`.
    let host: String
    private let url: String
    private let token: String
    private let context: NodeContext
    private var call: HTTPCall?
    private var answer: NodeContext.Answer<HTTPCall.Answer>?
    private var session: String?
    private var farewell: NodeContext.Answer<HTTPCall.Answer>?
    private var failures = 0
    private(set) var due: Instant?

    private static let longestPause = 30

    init(_ url: String, token: String, _ context: NodeContext) {
        (self.url, self.token, self.context) = (url, token, context)
        host = HTTPCall.host(of: url)
    }

    private func headers(_ fields: HTTPHeaders) -> HTTPHeaders {
        var headers = fields
        if !token.isEmpty { headers.add("Authorization", "Bearer \(token)") }
        return headers
    }

    /// Sends an offer. Its answer comes by `take`.
    func send(_ offer: String) {
        due = nil
        let call = HTTPCall(
            .post, url, headers: headers(["Content-Type": "application/sdp", "Accept": "application/sdp"]),
            body: Array(offer.utf8))
        self.call = call
        answer = context.ask { try call.perform() }
    }

    /// The outcome of the last offer, once. Throws where the server does not take it, and never will.
    func take(now: Instant) throws -> Event? {
        guard let result = answer?.take() else { return nil }
        (answer, call) = (nil, nil)
        switch result {
        case .failure(let error as NodeError) where error.isInputError: throw error
        case .failure(let error): return retry("\((error as? NodeError)?.message ?? "\(error)")", nil, now)
        case .success(let answer):
            switch WHIPAnswer(answer, from: host) {
            case .accepted(let description, let session):
                self.session = session
                return .answered(description)
            case .later(let sentence, let pause): return retry(sentence, pause, now)
            case .refused(let sentence, let advice): throw NodeError(sentence, advice: advice, isInputError: true)
            }
        }
    }

    /// The session stands: the next failure is a first one.
    func succeed() { failures = 0 }

    /// Calls again in 1, 2, 4 s and so on, 30 at most; not before the server wants it.
    func retry(_ sentence: String, _ pause: Interval?, _ now: Instant) -> Event? {
        let seconds = Double(min(WHIPCaller.longestPause, 1 << min(failures, 5)))
        failures += 1
        let wait = max(.seconds(seconds), pause ?? .zero)
        due = now + wait
        return failures == 1 || failures % 10 == 0 ? .later(sentence, wait) : nil
    }

    /// An offer waits for its answer.
    var isCalling: Bool { answer != nil }

    /// Ends the session at the server (RFC 9725, section 4.2); nothing where there is none.
    func hangUp() {
        call?.cancel()
        due = nil
        guard let session, farewell == nil else { return }
        self.session = nil
        let call = HTTPCall(.delete, session, headers: headers([:]), timeout: .seconds(2))
        farewell = context.ask { try call.perform() }
    }

    /// The server has heard it, or did not answer.
    var isGone: Bool {
        if farewell?.take() != nil { farewell = nil }
        return farewell == nil
    }
}
