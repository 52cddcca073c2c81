import HTTP
import Negotiation
import Sluice

/// One browser that came by WebSocket.
final class SignalGuest {
    let socket: WebSocket
    fileprivate(set) var conversation: PeerConversation
    fileprivate var offer: ViewerOffer?
    fileprivate(set) var link: PeerLink?
    fileprivate var session: PeerSession?
    /// When the offer that waits for its answer went out.
    fileprivate var offered: Instant?
    /// Its media as others get them, where the host is a room.
    var share: RoomShare?

    fileprivate init(_ socket: WebSocket, now: Instant) {
        self.socket = socket
        conversation = PeerConversation(now: now)
    }

    /// Of its connection: `192.0.2.1:50000`.
    var address: String { socket.request.peer }
}

/// The node that browsers come to by WebSocket. On its lane.
protocol SignalHost: AnyObject {
    /// It has said who it is, or wants a new connection: the tracks for it, and what it may send. Throws where it is
    /// not let in.
    func welcome(_ guest: SignalGuest) throws -> (tracks: [OfferedTrack], incoming: ViewerOffer.Incoming)
    /// The tracks for one that is connected; nil where those that it began with stay.
    func tracks(for guest: SignalGuest) -> [OfferedTrack]?
    /// For the template that is started for it.
    func parameters(for guest: SignalGuest) -> [String: ParameterValue]
    /// Its first answer was taken: the connection is being made.
    func begin(_ guest: SignalGuest)
    /// Its connection is over.
    func end(_ guest: SignalGuest)
    /// It says so much of itself.
    func take(_ news: SignalDesk.News, of guest: SignalGuest)
    func log(_ level: EventLog.Level, _ text: String)
}

/// The browsers that came by WebSocket: does what their conversations ask for. Of the node's lane.
final class SignalDesk {
    /// Asked of the node.
    enum News {
        case feedback(SyncReport)
        case stats(BrowserFigures)
        case mute(MediaKind, Bool)
        /// It has answered an offer after that time.
        case answered(Interval)
    }

    private let gate: ViewerGate
    private unowned let host: any SignalHost
    private let hasCaptions: Bool
    private let findMicrophones: () -> ViewerMicrophones.Line?
    private var guests: [ObjectIdentifier: SignalGuest] = [:]
    /// By the port's number of the peer.
    private var linked: [Int: SignalGuest] = [:]
    private var refusals = RefusalLog()

    /// When `advance` has something to do.
    private(set) var due = Instant.distantFuture

    /// With `captions` texts for a viewer go to it. `microphones` finds the one that takes what viewers send; nil where
    /// templates have it.
    init(
        _ gate: ViewerGate, _ host: any SignalHost, captions: Bool = false,
        microphones: @escaping () -> ViewerMicrophones.Line? = { nil }
    ) {
        (self.gate, self.host, hasCaptions, findMicrophones) = (gate, host, captions, microphones)
    }

    private var microphones: ViewerMicrophones.Line? { findMicrophones() }

    /// Nobody is here.
    var isEmpty: Bool { guests.isEmpty }

    func take(_ event: WebSocketEvent, now: Instant) {
        let key = ObjectIdentifier(event.socket)
        switch event {
        case .opened(let socket):
            // Their last word may have found no room.
            for guest in guests.values where !guest.socket.isOpen { end(guest, now) }
            let guest = SignalGuest(socket, now: now)
            guests[key] = guest
            due = min(due, guest.conversation.wake ?? .distantFuture)
        case .text(_, let text):
            guard let guest = guests[key] else { return }
            act(guest.conversation.take(text, now: now), guest, now)
        case .closed: if let guest = guests[key] { end(guest, now) }
        }
    }

    func take(_ news: ViewerGate.News, now: Instant) {
        guard let guest = linked[news.number] else { return }
        switch news.event {
        case .connected: guest.conversation.connected(generation: guest.conversation.generation)
        case .ended(let sentence):
            act(guest.conversation.ended(sentence, generation: guest.conversation.generation), guest, now)
        case .datagram, .moved, .mediaChanged: break
        }
    }

    func advance(now: Instant) {
        guard due <= now else { return }
        due = .distantFuture
        for guest in Array(guests.values) { act(guest.conversation.advance(now: now), guest, now) }
    }

    /// There may be other tracks than before, for some.
    func noteTracks(now: Instant) {
        for guest in Array(guests.values) {
            guard let tracks = host.tracks(for: guest), guest.offer?.isBehind(tracks) == true else { continue }
            act(guest.conversation.noteTracks(), guest, now)
        }
    }

    /// To every browser that has a connection.
    func tell(_ message: String) {
        for guest in guests.values where guest.conversation.hasConnection { guest.socket.send(message) }
    }

    /// It has to go: the sentence says why.
    func dismiss(_ guest: SignalGuest, _ sentence: String, now: Instant) {
        act(guest.conversation.fail(sentence, isTold: true), guest, now)
        act(guest.conversation.closed() + [.close(4_000, sentence)], guest, now)
    }

    private func end(_ guest: SignalGuest, _ now: Instant) {
        act(guest.conversation.closed(), guest, now)
        guests[ObjectIdentifier(guest.socket)] = nil
    }

    // MARK: Actions

    private func act(_ actions: [PeerConversation.Action], _ guest: SignalGuest, _ now: Instant) {
        for action in actions {
            switch action {
            case .send(let text): guest.socket.send(text)
            case .open(_, let microphone, let camera): open(guest, microphone: microphone, camera: camera, now)
            case .offerAgain(let microphone, let camera, let restartsICE):
                offerAgain(guest, microphone: microphone, camera: camera, restartsICE: restartsICE, now)
            case .accept(let sdp): accept(sdp, guest, now)
            case .drop: drop(guest)
            case .feedback(let measured): host.take(.feedback(measured), of: guest)
            case .stats(let figures): host.take(.stats(figures), of: guest)
            case .mute(let kind, let isMuted): host.take(.mute(kind, isMuted), of: guest)
            case .tell(let sentence):
                if refusals.isNew(sentence, for: guest.address) {
                    host.log(.warning, "\(guest.address): \(sentence)")
                }
            case .close(let code, let reason):
                guest.socket.close(code, reason)
                guests[ObjectIdentifier(guest.socket)] = nil
            }
        }
        due = min(due, guest.conversation.wake ?? .distantFuture)
    }

    private func open(_ guest: SignalGuest, microphone: Bool, camera: Bool, _ now: Instant) {
        do {
            try gate.checkRoom()
            let (tracks, incoming) = try host.welcome(guest)
            var offer = try ViewerOffer(tracks, incoming, candidates: gate.candidates)
            let text = try offer.offer(microphone: microphone, camera: camera)
            (guest.offer, guest.offered) = (offer, now)
            act(guest.conversation.offer(text, servers: gate.servers, now: now), guest, now)
        } catch { act(guest.conversation.fail(ViewerOffer.sentence(error)), guest, now) }
    }

    private func offerAgain(_ guest: SignalGuest, microphone: Bool, camera: Bool, restartsICE: Bool, _ now: Instant) {
        guard var offer = guest.offer else { return }
        let changes = offer.changes(microphone: microphone, camera: camera)
        guard !changes.camera, !changes.microphone || microphones != nil else {
            // A template's nodes are made for what was agreed on: a change of it is another session.
            return act(guest.conversation.reopen(now: now), guest, now)
        }
        do {
            if let tracks = host.tracks(for: guest) { try offer.follow(tracks) }
            let text = try offer.offer(microphone: microphone, camera: camera, restartsICE: restartsICE)
            (guest.offer, guest.offered) = (offer, now)
            act(guest.conversation.offer(text, now: now), guest, now)
        } catch { act(guest.conversation.refuse(ViewerOffer.sentence(error)), guest, now) }
    }

    private func accept(_ sdp: String, _ guest: SignalGuest, _ now: Instant) {
        guard var offer = guest.offer else { return }
        do {
            let outcome = try offer.accept(sdp)
            if let offered = guest.offered { host.take(.answered(now - offered), of: guest) }
            (guest.offer, guest.offered) = (offer, nil)
            var further: [PeerConversation.Action] = []
            if let link = guest.link {
                if outcome.restartsICE {
                    gate.restart(
                        link, local: outcome.transport.credentials,
                        remoteFragment: outcome.transport.remoteFragment)
                }
                guest.session?.media.change(
                    sent: outcome.sent,
                    received: (microphones == nil ? outcome.receivedAudio : nil, outcome.receivedVideo))
                link.tellMediaChanged()
                further = guest.conversation.accept()
            } else {
                // Before the news of it come.
                further = guest.conversation.accept()
                try connect(guest, offer, outcome)
            }
            hear(outcome, of: guest, cname: offer.cname)
            act(further, guest, now)
        } catch let refusal as WHEPRefusal {
            act(guest.conversation.fail(refusal.words), guest, now)
        } catch { act(guest.conversation.refuse(ViewerOffer.sentence(error)), guest, now) }
    }

    private func connect(_ guest: SignalGuest, _ offer: ViewerOffer, _ outcome: ViewerOffer.Outcome) throws {
        let isHeardHere = microphones != nil
        let (link, _) = try gate.admit(outcome.transport, parameters: host.parameters(for: guest)) {
            let session = offer.session(
                outcome, $0, peer: guest.address, takesAudio: !isHeardHere, share: guest.share)
            guest.session = session
            return session
        }
        guest.link = link
        if hasCaptions { link.captions.go { [socket = guest.socket] in socket.send($0) } }
        linked[link.number] = guest
        refusals.forget(guest.address)
        host.begin(guest)
    }

    private func hear(_ outcome: ViewerOffer.Outcome, of guest: SignalGuest, cname: String) {
        guard let microphones, let link = guest.link else { return }
        guard var microphone = outcome.receivedAudio else { return microphones.end(link.number) }
        // Arrivals are told of the whole transport, by one.
        if outcome.receivedVideo != nil { microphone.transportSequence = nil }
        microphones.begin(link, microphone, cname: cname)
    }

    private func drop(_ guest: SignalGuest) {
        guest.offer = nil
        host.end(guest)
        guard let link = guest.link else { return }
        (guest.link, guest.session) = (nil, nil)
        linked[link.number] = nil
        microphones?.end(link.number)
        gate.leave(link)
    }
}
