import Negotiation
import Sluice

/// A connection of ours to a server by WHIP or WHEP, from the offer to the session, and anew where it ends. On the
/// node's lane.
final class ServerCall {
    private let caller: WHIPCaller
    private let context: NodeContext
    private var port: ClientPort?
    private var link: PeerLink?
    private var offer: ClientOffer?
    private(set) var session: PeerSession?

    /// `url` is the endpoint. Throws where it is none.
    init(url: String, token: String, _ context: NodeContext) throws {
        guard url.hasPrefix("http://") || url.hasPrefix("https://") else {
            throw NodeError(
                "the url is no address of HTTP",
                advice: "Write the endpoint of the server: https://HOST/whip/NAME.", isInputError: true)
        }
        caller = WHIPCaller(url, token: token, context)
        self.context = context
    }

    var host: String { caller.host }
    var due: Instant? { caller.due }
    /// It has a session, or asks for one.
    var isBusy: Bool { session != nil || caller.isCalling }

    /// Offers `streams`, and takes `taken`.
    func begin(_ streams: ViewerAnswer.Streams, taking taken: [IncomingStream]) throws {
        let (port, link) = try ClientPort.open()
        let offer = try ClientOffer(streams, taking: taken, from: port)
        (self.port, self.link, self.offer) = (port, link, offer)
        caller.send(offer.text)
        context.isWaiting(for: "the answer of \(host)")
    }

    /// The session, once the server has answered. Throws where it refuses for good.
    func take(now: Instant) throws -> PeerSession? {
        guard let event = try caller.take(now: now) else { return nil }
        switch event {
        case .later(let sentence, let pause):
            tell(sentence, pause)
            drop()
            return nil
        case .answered(let answer):
            guard var offer, let port, let link else { return nil }
            do {
                let (transport, session) = try offer.accept(answer, link, peer: host)
                port.connect(transport)
                self.session = session
                context.isWaiting(for: "\(host) to connect")
                return session
            } catch {
                caller.hangUp()
                throw NodeError(
                    "\(host): \(ServerCall.words(error))", advice: "The server may want another codec.",
                    isInputError: true)
            }
        }
    }

    /// The session is connected.
    func succeed() {
        caller.succeed()
        context.isWaiting(for: nil)
    }

    /// The session has ended, for the reason that `sentence` tells. Without `callsAgain` the node ends with it, and
    /// throws where there is a reason.
    func end(_ sentence: String?, callsAgain: Bool, now: Instant) throws {
        guard callsAgain else {
            hangUp()
            if let sentence { throw NodeError("\(host): \(sentence)") }
            context.log(.info, "\(host) has ended the session")
            return context.finish()
        }
        caller.hangUp()
        let words = "\(host): \(sentence ?? "the server has ended the session")"
        if case .later(let sentence, let pause)? = caller.retry(words, nil, now) { tell(sentence, pause) }
        drop()
    }

    private func tell(_ sentence: String, _ pause: Interval) {
        context.log(.warning, "\(sentence); calling again in \(Int(pause.seconds.rounded())) s, and then more seldom")
        context.isWaiting(for: "\(host), which is called again")
    }

    private func drop() {
        link?.leave()
        (port, link, offer, session) = (nil, nil, nil, nil)
    }

    /// Ends it for good.
    func hangUp() {
        caller.hangUp()
        drop()
    }

    /// The server knows.
    var isGone: Bool { caller.isGone }

    private static func words(_ error: any Error) -> String {
        switch error {
        case let fault as NegotiationFault: fault.what
        case let error as NodeError: error.message
        default: "\(error)"
        }
    }
}
