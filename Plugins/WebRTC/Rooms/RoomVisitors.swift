import DTLS
import HTTP
import ICE
import Negotiation
import Sluice

/// Those who come to a room by HTTP: viewers of one participant (WHEP), who are no participants, and the answers to
/// their requests. Of the room's lane.
final class RoomVisitors {
    private let gate: ViewerGate
    private let room: String
    private var desk: SessionDesk
    /// Those who watch a participant, by its name, and when their tokens are no longer good.
    private var watching: [String: [(link: PeerLink, until: Instant?)]] = [:]
    private let log: (EventLog.Level, String) -> Void
    private var refusals = RefusalLog()

    init(_ gate: ViewerGate, room: String, most: Int, log: @escaping (EventLog.Level, String) -> Void) {
        (self.gate, self.room, self.log) = (gate, room, log)
        desk = SessionDesk(.viewers, most: most)
    }

    var count: Int { desk.count }

    /// When the first token is no longer good.
    var due: Instant? { watching.values.joined().compactMap(\.until).min() }

    /// Those whose tokens are no longer good leave.
    func endExpired(now: Instant) {
        for (name, viewers) in watching {
            for viewer in viewers where viewer.until.map({ $0 <= now }) ?? false { gate.leave(viewer.link) }
            watching[name]?.removeAll { $0.until.map { $0 <= now } ?? false }
        }
    }

    /// `tracks` are those of the participant; nil where there is none of that name. One who comes may watch until then.
    func answer(_ exchange: HTTPExchange, of name: String, _ tracks: [OfferedTrack]?, until: Instant?) {
        switch desk.read(exchange.request, of: "\(room)/\(name)") {
        case .answer(let response): exchange.answer(response)
        case .leave(let session):
            gate.leave(session.link)
            exchange.answer(HTTPResponse(200))
        case .change(let number, let fragment):
            exchange.answer(
                desk.change(number, fragment, candidates: gate.candidates) {
                    gate.restart($0, local: $1, remoteFragment: $2)
                })
        case .join(let offer): join(offer, exchange, name, tracks, until)
        }
    }

    private func join(
        _ offer: String, _ exchange: HTTPExchange, _ name: String, _ tracks: [OfferedTrack]?, _ until: Instant?
    ) {
        let peer = exchange.request.peer
        do throws(WHEPRefusal) {
            guard let tracks else {
                throw WHEPRefusal(404, "Nobody is in the room \(room) as \(printable(name)).")
            }
            guard !tracks.isEmpty else {
                throw WHEPRefusal(503, "\(name) sends nothing yet: try again soon.", ["Retry-After": "1"])
            }
            let answer = try ViewerAnswer(to: offer, ViewerAnswer.Streams(tracks), candidates: gate.candidates)
            let (link, instance) = try gate.admit(answer.transport) { answer.session($0, peer: peer) }
            refusals.forget(peer)
            watching[name, default: []].append((link, until))
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

    /// The participant has left: those who watch it do, too.
    func end(_ name: String) {
        for viewer in watching.removeValue(forKey: name) ?? [] { gate.leave(viewer.link) }
    }

    /// Takes news of their connections.
    func drain() {
        while let news = gate.news() {
            guard case .ended = news.event else { continue }
            for name in watching.keys { watching[name]?.removeAll { $0.link.number == news.number } }
        }
    }

    func stopAll() { gate.stopAll() }
}

extension ViewerAnswer.Streams {
    /// Of the first track of each kind.
    init(_ tracks: [OfferedTrack]) {
        func first(_ isVideo: Bool) -> Track? {
            tracks.first { $0.stream.format.isVideo == isVideo }.map { Track(codec: $0.codec, stream: $0.stream) }
        }
        self.init(video: first(true), audio: first(false))
    }
}
