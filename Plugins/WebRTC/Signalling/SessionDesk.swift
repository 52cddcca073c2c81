import DTLS
import HTTP
import ICE
import Negotiation
import Sluice

/// The sessions of an endpoint and what requests for them mean: of publishers (WHIP, RFC 9725) or of viewers (WHEP,
/// draft-ietf-wish-whep, which says the same of most). It knows HTTP and nothing of media. Of the node's lane.
struct SessionDesk {
    /// Whom an endpoint takes.
    enum Role: String {
        case publishers = "whip"
        case viewers = "whep"
    }

    /// One peer that was answered.
    struct Session {
        let instance: NodeContext.Instance
        let link: PeerLink
        /// In the address: `camera` of `/whip/camera`.
        let name: String
        /// Of the session's present ICE credentials: a strong entity tag, quotes included.
        var tag: String
        /// Of the peer's present credentials.
        var remoteFragment: String
    }

    /// A request, understood.
    enum Action {
        case answer(HTTPResponse)
        /// An offer of somebody new.
        case join(String)
        case leave(Session)
        /// ICE credentials and candidates of a peer, by its number.
        case change(String, fragment: String)
    }

    static let exposed = ["Location", "ETag", "Link", "Accept-Patch"]
    static let options: HTTPHeaders = ["Accept-Post": "application/sdp", "Accept-Patch": sdpFragment]
    static let sdpFragment = TransportFragment.mediaType

    private let role: Role
    private let most: Int
    private var sessions: [String: Session] = [:]

    init(_ role: Role, most: Int) { (self.role, self.most) = (role, most) }

    /// Those that are not over.
    var count: Int { sessions.values.count { !$0.instance.isOver } }

    /// `name` is the endpoint's where the path has none. `replacing` where the peer would take another one's place.
    mutating func read(_ request: HTTPRequest, of name: String? = nil, replacing: Bool = false) -> Action {
        do throws(WHEPRefusal) {
            guard let number = request.names["session"] else {
                if request.method == .get { return .answer(presence) }
                return .join(try offer(of: request, replacing: replacing))
            }
            guard let session = sessions[number], !session.instance.isOver,
                session.name == name ?? request.names["name"]
            else { throw WHEPRefusal(404, "There is no such session: it has ended, or never was.") }
            switch request.method {
            case .get: return .answer(HTTPResponse(204))
            case .patch: return .change(number, fragment: try fragment(of: request, for: session))
            default:
                // A tag of a request to end a session says nothing (RFC 9725, section 4.3.1).
                sessions[number] = nil
                return .leave(session)
            }
        } catch { return .answer(error.response) }
    }

    /// The one of that number, where it is not over.
    func session(_ number: String?) -> Session? {
        number.flatMap { sessions[$0] }.flatMap { $0.instance.isOver ? nil : $0 }
    }

    /// To GET there is nothing to show (RFC 9725, section 4.1); a player knows an endpoint of WHEP by the type that its
    /// HEAD tells (draft-ietf-wish-whep, section 4.2).
    private var presence: HTTPResponse {
        role == .publishers ? HTTPResponse(204) : HTTPResponse(200, headers: ["Content-Type": "application/sdp"])
    }

    private func offer(of request: HTTPRequest, replacing: Bool) throws(WHEPRefusal) -> String {
        guard request.headers.mediaType == "application/sdp" else {
            throw WHEPRefusal(
                415, "Send the offer as application/sdp.", ["Accept-Post": "application/sdp"])
        }
        guard request.headers.accepts("application/sdp") else {
            throw WHEPRefusal(406, "The answer is application/sdp, which the request does not accept.")
        }
        guard let text = request.text else { throw WHEPRefusal(400, "The offer is no UTF-8.") }
        guard count - (replacing ? 1 : 0) < most else {
            throw WHEPRefusal(
                503, "There are \(most) \(role), which is the most: try again later.", ["Retry-After": "5"])
        }
        return text
    }

    /// RFC 9725, section 4.3.1: a change names the credentials that it is for, or "*" to restart ICE.
    private func fragment(of request: HTTPRequest, for session: Session) throws(WHEPRefusal) -> String {
        guard request.headers.mediaType == SessionDesk.sdpFragment else {
            throw WHEPRefusal(
                415, "Send candidates as \(SessionDesk.sdpFragment).", ["Accept-Patch": SessionDesk.sdpFragment])
        }
        // The RFC's own example has the star in quotes.
        let tags = request.headers.list("If-Match").map { $0 == "\"*\"" ? "*" : $0 }
        guard !tags.isEmpty else {
            throw WHEPRefusal(428, "If-Match is missing: it names the ETag of the session, or * to restart ICE.")
        }
        guard tags.contains("*") || tags.contains(session.tag) else {
            throw WHEPRefusal(412, "ICE was restarted since: use the ETag of the last answer.", ["ETag": session.tag])
        }
        guard let text = request.text else { throw WHEPRefusal(400, "The candidates are no UTF-8.") }
        return text
    }

    /// A peer joins: the answer to its offer. `links` are further fields.
    mutating func add(
        _ instance: NodeContext.Instance, _ link: PeerLink, name: String, remoteFragment: String, answer: String,
        links: [String] = []
    ) -> HTTPResponse {
        if sessions.count >= 2 * max(most, 8) { sessions = sessions.filter { !$0.value.instance.isOver } }
        let (number, tag) = (SessionDesk.word(), SessionDesk.newTag())
        sessions[number] = Session(
            instance: instance, link: link, name: name, tag: tag, remoteFragment: remoteFragment)
        var response = HTTPResponse(
            201, "application/sdp", answer,
            headers: [
                "Location": "/\(role.rawValue)/\(name)/\(number)", "ETag": tag,
                "Accept-Patch": SessionDesk.sdpFragment,
            ])
        for link in links { response.headers.add("Link", link) }
        return response
    }

    /// Candidates, or new credentials of a peer. To candidates there is nothing to say, since a server that is
    /// ICE-lite makes no checks, and the answer has no tag. To credentials the answer are ours and our `candidates`
    /// (RFC 9725, section 4.3.3); `restart` puts both to use.
    mutating func change(
        _ number: String, _ text: String, candidates: [String],
        restart: (PeerLink, _ local: ICECredentials, _ remoteFragment: String) -> Void
    ) -> HTTPResponse {
        guard var session = sessions[number] else { return .refusal(404, "There is no such session.") }
        do throws(NegotiationFault) {
            let news = try TransportFragment(text)
            guard let fragment = news.fragment, news.password != nil, fragment != session.remoteFragment else {
                return HTTPResponse(204)
            }
            let own = ICECredentials(random: Secrets.fillRandom)
            restart(session.link, own, fragment)
            (session.remoteFragment, session.tag) = (fragment, SessionDesk.newTag())
            sessions[number] = session
            let first = news.parts.first
            let answer = TransportFragment(
                fragment: own.fragment, password: own.password, isLite: true, trickles: true,
                parts: [
                    .init(mid: first?.mid, name: first?.name ?? "audio", candidates: candidates, hasEnded: true)
                ])
            return HTTPResponse(200, SessionDesk.sdpFragment, answer.text, headers: ["ETag": session.tag])
        } catch { return .refusal(400, "\(error)") }
    }

    static func newTag() -> String { "\"\(word())\"" }

    /// 128 bits that nobody guesses.
    private static func word() -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: Secrets.random(16).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
