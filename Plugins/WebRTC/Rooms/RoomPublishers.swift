import DTLS
import HTTP
import ICE
import Negotiation
import Sluice

/// Those who publish into a room by WHIP (RFC 9725): others hear and see them, and they get nothing. Of the room's
/// lane.
final class RoomPublishers {
    private let gate: ViewerGate
    private let room: String
    private var desk: SessionDesk
    /// By the port's number of the peer.
    private var linked: [Int: RoomShare] = [:]
    private let log: (EventLog.Level, String) -> Void
    private var refusals = RefusalLog()

    init(_ gate: ViewerGate, room: String, most: Int, log: @escaping (EventLog.Level, String) -> Void) {
        (self.gate, self.room, self.log) = (gate, room, log)
        desk = SessionDesk(.publishers, most: most)
    }

    /// `join` takes in one who comes, as a participant; `dismiss` has it leave.
    func answer(
        _ exchange: HTTPExchange, of name: String, join: (_ dismiss: @escaping (String) -> Void) -> RoomShare,
        leave: (RoomShare) -> Void
    ) {
        switch desk.read(exchange.request, of: "\(room)/\(name)") {
        case .answer(let response): exchange.answer(response)
        case .leave(let session):
            gate.leave(session.link)
            if let share = linked.removeValue(forKey: session.link.number) { leave(share) }
            exchange.answer(HTTPResponse(200))
        case .change(let number, let fragment):
            exchange.answer(
                desk.change(number, fragment, candidates: gate.candidates) {
                    gate.restart($0, local: $1, remoteFragment: $2)
                })
        case .join(let offer): take(offer, exchange, name, join, leave)
        }
    }

    private func take(
        _ offer: String, _ exchange: HTTPExchange, _ name: String,
        _ join: (_ dismiss: @escaping (String) -> Void) -> RoomShare, _ leave: (RoomShare) -> Void
    ) {
        let peer = exchange.request.peer
        do throws(WHEPRefusal) {
            guard RoomName.isValid(name) else { throw WHEPRefusal(404, RoomName.rule) }
            try gate.checkRoom()
            let answer = try PublisherAnswer(to: offer, codecs: [.vp8], candidates: gate.candidates)
            var admitted: PeerLink?
            let share = join { [weak self] _ in if let admitted { self?.gate.leave(admitted) } }
            let (link, instance): (PeerLink, NodeContext.Instance)
            do throws(WHEPRefusal) {
                (link, instance) = try gate.admit(answer.transport, parameters: ["name": .string(name)]) {
                    answer.session($0, peer: peer, share: share)
                }
            } catch {
                leave(share)
                throw error
            }
            admitted = link
            linked[link.number] = share
            refusals.forget(peer)
            exchange.answer(
                desk.add(
                    instance, link, name: "\(room)/\(name)", remoteFragment: answer.transport.remoteFragment,
                    answer: answer.text, links: gate.links))
        } catch {
            if refusals.isNew(error.words, for: peer) {
                log(.warning, "\(peer) is refused (\(error.status)): \(error.words)")
            }
            exchange.answer(error.response)
        }
    }

    /// News of a connection: gives the one whose connection is over.
    func take(_ news: ViewerGate.News) -> RoomShare? {
        guard case .ended = news.event else { return nil }
        return linked.removeValue(forKey: news.number)
    }
}
