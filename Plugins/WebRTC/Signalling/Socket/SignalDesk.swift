import HTTP
import Negotiation
import Sluice

/// The browsers that came by WebSocket: does what their conversations ask for. Of the node's lane.
final class SignalDesk {
    /// Asked of the node.
    enum News {
        case feedback(SyncReport)
        case stats(BrowserFigures)
    }

    /// One browser.
    private final class Talk {
        let socket: WebSocket
        var conversation: PeerConversation
        var offer: ViewerOffer?
        var link: PeerLink?
        init(_ socket: WebSocket, now: Instant) {
            self.socket = socket
            conversation = PeerConversation(now: now)
        }

        var name: String { socket.request.peer }
    }

    private let gate: ViewerGate
    private let hasCaptions: Bool
    private let findMicrophones: () -> ViewerMicrophones.Line?
    private let streams: () throws(WHEPRefusal) -> ViewerAnswer.Streams
    private let report: (News) -> Void
    private let log: (EventLog.Level, String) -> Void
    private var talks: [ObjectIdentifier: Talk] = [:]
    /// By the port's number of the peer.
    private var linked: [Int: Talk] = [:]
    private var refusals = RefusalLog()

    /// When `advance` has something to do.
    private(set) var due = Instant.distantFuture

    /// With `captions` texts for a viewer go to it. `microphones` finds the one that takes what viewers send; nil where
    /// templates have it. `streams` are those of a new viewer.
    init(
        _ gate: ViewerGate, captions: Bool, microphones: @escaping () -> ViewerMicrophones.Line?,
        streams: @escaping () throws(WHEPRefusal) -> ViewerAnswer.Streams, report: @escaping (News) -> Void,
        log: @escaping (EventLog.Level, String) -> Void
    ) {
        (self.gate, hasCaptions, findMicrophones, self.streams) = (gate, captions, microphones, streams)
        (self.report, self.log) = (report, log)
    }

    private var microphones: ViewerMicrophones.Line? { findMicrophones() }

    func take(_ event: WebSocketEvent, now: Instant) {
        let key = ObjectIdentifier(event.socket)
        switch event {
        case .opened(let socket):
            // Their last word may have found no room.
            for talk in talks.values where !talk.socket.isOpen { end(talk, now) }
            talks[key] = Talk(socket, now: now)
            due = min(due, talks[key]?.conversation.wake ?? .distantFuture)
        case .text(_, let text):
            guard let talk = talks[key] else { return }
            act(talk.conversation.take(text, now: now), talk, now)
        case .closed: if let talk = talks[key] { end(talk, now) }
        }
    }

    func take(_ news: ViewerGate.News, now: Instant) {
        guard let talk = linked[news.number] else { return }
        switch news.event {
        case .connected: talk.conversation.connected(generation: talk.conversation.generation)
        case .ended(let sentence):
            act(talk.conversation.ended(sentence, generation: talk.conversation.generation), talk, now)
        case .datagram, .moved: break
        }
    }

    func advance(now: Instant) {
        guard due <= now else { return }
        due = .distantFuture
        for talk in Array(talks.values) { act(talk.conversation.advance(now: now), talk, now) }
    }

    /// To every browser that has a connection.
    func tell(_ message: String) {
        for talk in talks.values where talk.conversation.hasConnection { talk.socket.send(message) }
    }

    private func end(_ talk: Talk, _ now: Instant) {
        act(talk.conversation.closed(), talk, now)
        talks[ObjectIdentifier(talk.socket)] = nil
    }

    // MARK: Actions

    private func act(_ actions: [PeerConversation.Action], _ talk: Talk, _ now: Instant) {
        for action in actions {
            switch action {
            case .send(let text): talk.socket.send(text)
            case .open(_, let microphone, let camera): open(talk, microphone: microphone, camera: camera, now)
            case .offerAgain(let microphone, let camera, let restartsICE):
                offerAgain(talk, microphone: microphone, camera: camera, restartsICE: restartsICE, now)
            case .accept(let sdp): accept(sdp, talk, now)
            case .drop: drop(talk)
            case .feedback(let measured): report(.feedback(measured))
            case .stats(let figures): report(.stats(figures))
            case .tell(let sentence):
                if refusals.isNew(sentence, for: talk.name) { log(.warning, "\(talk.name): \(sentence)") }
            case .close(let code, let reason):
                talk.socket.close(code, reason)
                talks[ObjectIdentifier(talk.socket)] = nil
            }
        }
        due = min(due, talk.conversation.wake ?? .distantFuture)
    }

    private func open(_ talk: Talk, microphone: Bool, camera: Bool, _ now: Instant) {
        do {
            try gate.checkRoom()
            var offer = try ViewerOffer(try streams(), candidates: gate.candidates)
            let text = try offer.offer(microphone: microphone, camera: camera)
            talk.offer = offer
            act(talk.conversation.offer(text, servers: gate.servers, now: now), talk, now)
        } catch { act(talk.conversation.fail(ViewerOffer.sentence(error)), talk, now) }
    }

    private func offerAgain(_ talk: Talk, microphone: Bool, camera: Bool, restartsICE: Bool, _ now: Instant) {
        guard var offer = talk.offer else { return }
        let changes = offer.changes(microphone: microphone, camera: camera)
        guard !changes.camera, !changes.microphone || microphones != nil else {
            // A template's nodes are made for what was agreed on: a change of it is another session.
            return act(talk.conversation.reopen(now: now), talk, now)
        }
        do {
            let text = try offer.offer(microphone: microphone, camera: camera, restartsICE: restartsICE)
            talk.offer = offer
            act(talk.conversation.offer(text, now: now), talk, now)
        } catch { act(talk.conversation.refuse(ViewerOffer.sentence(error)), talk, now) }
    }

    private func accept(_ sdp: String, _ talk: Talk, _ now: Instant) {
        guard var offer = talk.offer else { return }
        do {
            let outcome = try offer.accept(sdp)
            talk.offer = offer
            let isHeardHere = microphones != nil
            if let link = talk.link {
                if outcome.restartsICE {
                    gate.restart(
                        link, local: outcome.transport.credentials,
                        remoteFragment: outcome.transport.remoteFragment)
                }
                talk.conversation.accept()
            } else {
                // Before the news of it come.
                talk.conversation.accept()
                let link = try gate.admit(outcome.transport) {
                    offer.session(outcome, $0, peer: talk.name, takesAudio: !isHeardHere)
                }.link
                talk.link = link
                if hasCaptions { link.captions.go { [socket = talk.socket] in socket.send($0) } }
                linked[link.number] = talk
                refusals.forget(talk.name)
            }
            var microphone = outcome.receivedAudio
            // Arrivals are told of the whole transport, by one.
            if outcome.receivedVideo != nil { microphone?.transportSequence = nil }
            hear(microphone, of: talk, cname: offer.cname)
        } catch let refusal as WHEPRefusal {
            act(talk.conversation.fail(refusal.words), talk, now)
        } catch { act(talk.conversation.refuse(ViewerOffer.sentence(error)), talk, now) }
    }

    private func hear(_ medium: PeerSession.ReceivedMedium?, of talk: Talk, cname: String) {
        guard let microphones, let link = talk.link else { return }
        if let medium { microphones.begin(link, medium, cname: cname) } else { microphones.end(link.number) }
    }

    private func drop(_ talk: Talk) {
        talk.offer = nil
        guard let link = talk.link else { return }
        talk.link = nil
        linked[link.number] = nil
        microphones?.end(link.number)
        gate.leave(link)
    }
}
