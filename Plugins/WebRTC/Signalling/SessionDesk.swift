import DTLS
import HTTP
import ICE
import Negotiation
import Sluice

/// The sessions of viewers and what requests for them mean (draft-ietf-wish-whep, RFC 9725 for what both share). It
/// knows HTTP and nothing of media. Of the node's lane.
struct WHEPDesk {
    /// One viewer that was answered.
    struct Viewer {
        let instance: NodeContext.Instance
        let link: PeerLink
        /// Of the session's present ICE credentials: a strong entity tag, quotes included.
        var tag: String
        /// Of the viewer's present credentials.
        var remoteFragment: String
    }

    /// A request, understood.
    enum Action {
        case answer(HTTPResponse)
        /// An offer of somebody new.
        case join(String)
        case leave(Viewer)
        /// ICE credentials and candidates of a viewer, by its number.
        case change(String, fragment: String)
    }

    static let exposed = ["Location", "ETag", "Link", "Accept-Patch"]
    static let options: HTTPHeaders = ["Accept-Post": "application/sdp", "Accept-Patch": sdpFragment]
    static let sdpFragment = TransportFragment.mediaType

    private let path: String
    private let most: Int
    private var viewers: [String: Viewer] = [:]

    init(name: String, most: Int) { (path, self.most) = ("/whep/\(name)", most) }

    /// Viewers whose session is not over.
    var count: Int { viewers.values.count { !$0.instance.isOver } }

    subscript(_ number: String) -> Viewer? {
        get { viewers[number] }
        set { viewers[number] = newValue }
    }

    mutating func read(_ request: HTTPRequest) -> Action {
        do throws(WHEPRefusal) {
            guard let number = request.names["session"] else { return .join(try offer(of: request)) }
            guard let viewer = viewers[number], !viewer.instance.isOver else {
                throw WHEPRefusal(404, "There is no such session: it has ended, or never was.")
            }
            guard request.method == .patch else {
                viewers[number] = nil
                return .leave(viewer)
            }
            return .change(number, fragment: try fragment(of: request, for: viewer))
        } catch { return .answer(error.response) }
    }

    private func offer(of request: HTTPRequest) throws(WHEPRefusal) -> String {
        guard request.headers.mediaType == "application/sdp" else {
            throw WHEPRefusal(
                415, "Send the offer as application/sdp.", ["Accept-Post": "application/sdp"])
        }
        guard request.headers.accepts("application/sdp") else {
            throw WHEPRefusal(406, "The answer is application/sdp, which the request does not accept.")
        }
        guard let text = request.text else { throw WHEPRefusal(400, "The offer is no UTF-8.") }
        guard count < most else {
            throw WHEPRefusal(
                503, "There are \(most) viewers, which is the most: try again later.", ["Retry-After": "5"])
        }
        return text
    }

    /// RFC 9725, section 4.3.1: a change names the credentials that it is for, or "*" to restart ICE.
    private func fragment(of request: HTTPRequest, for viewer: Viewer) throws(WHEPRefusal) -> String {
        guard request.headers.mediaType == WHEPDesk.sdpFragment else {
            throw WHEPRefusal(
                415, "Send candidates as \(WHEPDesk.sdpFragment).", ["Accept-Patch": WHEPDesk.sdpFragment])
        }
        let tags = request.headers.list("If-Match")
        guard !tags.isEmpty else {
            throw WHEPRefusal(428, "If-Match is missing: it names the ETag of the session, or * to restart ICE.")
        }
        guard tags.contains("*") || tags.contains(viewer.tag) else {
            throw WHEPRefusal(412, "ICE was restarted since: use the ETag of the last answer.", ["ETag": viewer.tag])
        }
        guard let text = request.text else { throw WHEPRefusal(400, "The candidates are no UTF-8.") }
        return text
    }

    /// A viewer joins: the answer to its offer.
    mutating func add(
        _ instance: NodeContext.Instance, _ link: PeerLink, remoteFragment: String, answer: String
    ) -> HTTPResponse {
        if viewers.count >= 2 * max(most, 8) { viewers = viewers.filter { !$0.value.instance.isOver } }
        let (number, tag) = (WHEPDesk.word(), WHEPDesk.newTag())
        viewers[number] = Viewer(instance: instance, link: link, tag: tag, remoteFragment: remoteFragment)
        return HTTPResponse(
            201, "application/sdp", answer,
            headers: ["Location": "\(path)/\(number)", "ETag": tag, "Accept-Patch": WHEPDesk.sdpFragment])
    }

    /// Candidates, or new credentials of a viewer. To candidates there is nothing to say, since a server that is
    /// ICE-lite makes no checks. To credentials the answer are ours (RFC 9725, section 4.3.3), which `restart` makes
    /// and puts to use.
    mutating func change(
        _ number: String, _ text: String, restart: (PeerLink, _ remoteFragment: String) -> ICECredentials
    ) -> HTTPResponse {
        guard var viewer = viewers[number] else { return .refusal(404, "There is no such session.") }
        do throws(NegotiationFault) {
            let news = try TransportFragment(text)
            guard let fragment = news.fragment, news.password != nil, fragment != viewer.remoteFragment else {
                return HTTPResponse(204, headers: ["ETag": viewer.tag])
            }
            let own = restart(viewer.link, fragment)
            (viewer.remoteFragment, viewer.tag) = (fragment, WHEPDesk.newTag())
            viewers[number] = viewer
            let answer = TransportFragment(fragment: own.fragment, password: own.password, isLite: true)
            return HTTPResponse(200, WHEPDesk.sdpFragment, answer.text, headers: ["ETag": viewer.tag])
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
