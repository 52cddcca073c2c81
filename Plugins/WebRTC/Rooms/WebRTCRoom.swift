import HTTP
import Negotiation
import Net
import Sluice

/// One room: its participants hear and see each other, never themselves. Each comes by the WebSocket `/peer/ROOM` or
/// publishes by WHIP, and gets an instance of a template; as others come and go it is offered their tracks by further
/// offers. Viewers of one participant come by WHEP.
public final class WebRTCRoom: Node {
    public static let descriptor = NodeDescriptor(
        "webrtc-room", summary: "One room, in which all hear and see all others", traits: [.live, .shares],
        example: #""room": { "type": "webrtc-room", "template": "participant", "viewer": "viewer" }"#)

    @Parameter(
        "template", default: "participant", startsTemplateWith: ["name"],
        help: "The template that is started for each participant. It is given the name.") var template: String
    @Parameter(
        "viewer", default: "viewer", startsTemplateWith: [],
        help: "The template that is started for each viewer of one participant, who comes by WHEP.")
    var viewerTemplate: String
    @Parameter("max_participants", default: 50, range: 1...120, help: "The most participants at a time.")
    var mostParticipants: Int
    @Parameter(
        "last_n", default: 9, range: 0...120,
        help: "The most videos of others that each participant gets: of those who have led last.") var mostVideos: Int
    @Parameter("max_viewers", default: 100, range: 1...10_000, help: "The most viewers by WHEP at a time.")
    var mostViewers: Int
    @Parameter(
        "idle_s", default: 30, range: 0...86_400,
        help: "The room ends so long after the last one has left, in seconds.")
    var idle: Double

    private(set) var context: NodeContext!
    private var door: RoomDoor!
    private var gate: ViewerGate!
    private var desk: SignalDesk!
    private var visitors: RoomVisitors!
    private var publishers: RoomPublishers!
    private var mailbox: SignalMailbox!
    private var exchanges: NodeContext.Inbox<HTTPExchange>!
    /// For all who are there.
    private var messages: NodeContext.Inbox<String>!
    /// Tracks or speakers are others than before.
    private var changes: NodeContext.Inbox<Bool>!
    private var speakers: RoomSpeakers!
    private var members: RoomMembers!
    private var told: (speaking: [String], leader: String?) = ([], nil)
    private var departed: Metric.Counter!
    private var answers: Metric.Histogram!
    /// Since when nobody is here.
    private var empty: Instant?
    private var isOver = false

    public init() {}

    public static var metrics: [Metric] {
        [
            .counter("participants_taken", "Participants whose description was taken."),
            .counter("participants_left", "Participants who have left."),
            .counter("viewers_taken", "Viewers by WHEP whose offer was answered."),
            .histogram("answer_ms", "The time from an offer to its answer."),
        ]
    }

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        guard let door = context.resource as? RoomDoor else {
            throw NodeError(
                "it has no door", advice: "Put it into the template that webrtc-rooms starts for each room.",
                isInputError: true)
        }
        guard let port = try context.service(WebRTCPort.self) else {
            throw NodeError("there is no WebRTC port", isInputError: true)
        }
        self.door = door
        members = RoomMembers(mostVideos: mostVideos)
        departed = context.counter("participants_left")
        answers = context.histogram("answer_ms")
        gate = ViewerGate(context, port, template: template, most: mostParticipants, noun: "participants")
        desk = SignalDesk(gate, self)
        let handle = context.handle
        publishers = RoomPublishers(gate, room: door.room, most: mostParticipants) { handle.log($0, $1) }
        visitors = RoomVisitors(
            ViewerGate(context, port, template: viewerTemplate, most: mostViewers), room: door.room, most: mostViewers
        ) { handle.log($0, $1) }
        let (mailbox, exchanges, changes) = (
            SignalMailbox(context, sockets: mostParticipants), context.inbox(of: HTTPExchange.self, capacity: 256),
            context.inbox(of: Bool.self, capacity: 1)
        )
        (self.mailbox, self.exchanges, self.changes) = (mailbox, exchanges, changes)
        messages = context.inbox(of: String.self, capacity: 256)
        speakers = RoomSpeakers { _ = changes.post(true) }
        door.open { knock in
            switch knock {
            case .socket(let event): mailbox.post(event)
            case .exchange(let exchange): exchanges.post(exchange)
            }
        }
        context.runsUntilStopped()
    }

    public func process(now: Instant) throws {
        while let event = mailbox.next() { desk.take(event, now: now) }
        // One at a time: media do not wait for many answers.
        if let exchange = exchanges.next() {
            answer(exchange)
            context.wakeAgain()
        }
        while let news = gate.news() {
            desk.take(news, now: now)
            if let share = publishers.take(news) { leave(share) }
        }
        visitors.drain()
        while let message = messages.next() { members.tell(message) }
        endExpired(now)
        // Messages of pages, each second of each, change no tracks.
        var isChanged = tellSpeakers()
        while changes.next() != nil { isChanged = true }
        if isChanged { desk.noteTracks(now: now) }
        desk.advance(now: now)
        show()
        let due = min(desk.due, members.due ?? .distantFuture, visitors.due ?? .distantFuture)
        if due < .distantFuture { context.wake(at: due) }
        endIfEmpty(now)
    }

    public func close() {
        door?.close()
        gate?.stopAll()
        visitors?.stopAll()
    }

    /// A room that nobody is in for a while ends, unless somebody stands at its door.
    private func endIfEmpty(_ now: Instant) {
        guard desk.isEmpty, members.isEmpty, visitors.count == 0 else {
            empty = nil
            return
        }
        let since = empty ?? now
        empty = since
        let end = since + .seconds(idle)
        guard end <= now else { return context.wake(at: end) }
        guard !isOver, door.close(unless: { !mailbox.isEmpty }) else { return }
        isOver = true
        context.finish()
    }

    private func endExpired(_ now: Instant) {
        visitors.endExpired(now: now)
        guard let due = members.due, due <= now else { return }
        for member in members.all where member.until.map({ $0 <= now }) ?? false {
            remove(member, "The token has expired.")
        }
    }

    /// True where another one leads, whose video others get.
    private func tellSpeakers() -> Bool {
        let present = speakers.present
        let speaking = present.speaking.sorted()
        guard speaking != told.speaking || present.leader != told.leader else { return false }
        let isAnother = present.leader != told.leader
        if isAnother, let leader = present.leader { members.lead(leader) }
        told = (speaking, present.leader)
        members.tell(RoomText.speaking(speaking, leader: present.leader))
        return isAnother
    }

    private func show() {
        door.board.present = RoomFacts(
            room: door.room,
            participants: members.all.map { member in
                RoomFacts.Participant(
                    name: member.shown.name, muted: member.shown.muted,
                    tracks: member.share.tracks.map { $0.stream.format.isVideo ? .video : .audio },
                    isSpeaking: told.speaking.contains(member.shown.name), way: member.way)
            }, leader: told.leader, viewers: visitors.count)
    }

    // MARK: Coming and going

    /// One who comes under that name. The one who has it leaves.
    private func join(
        _ name: String, _ way: String, _ token: GuestToken?, tell: @escaping (String) -> Void,
        dismiss: @escaping (String) -> Void
    ) -> RoomShare {
        if let holder = members[name] {
            holder.dismiss("Somebody else has joined as \(name).")
            leave(holder.share)
        }
        let (changes, messages) = (changes!, messages!)
        let share = RoomShare(name, speakers) {
            _ = changes.post(true)
        } tell: {
            _ = messages.post($0)
        }
        members.add(
            RoomMembers.Member(
                share: share, shown: RoomText.Participant(name: name), way: way, token: token,
                until: end(of: token), tell: tell, dismiss: dismiss))
        return share
    }

    private func leave(_ share: RoomShare) {
        share.end()
        guard members.remove(share) else { return }
        visitors.end(share.name)
        departed.add()
        context.log(.info, "\(share.name) has left \(door.room)")
    }

    private func end(of token: GuestToken?) -> Instant? {
        token.map { context.now + .seconds(max(0, $0.expires - unixSeconds)) }
    }

    private var unixSeconds: Double { Double(SystemClock.unixNanoseconds) / 1e9 }

    // MARK: Requests

    private func answer(_ exchange: HTTPExchange) {
        do throws(WHEPRefusal) {
            if exchange.request.path.hasPrefix(RoomAPI.path) { return act(exchange) }
            try answer(exchange, of: try door.token(exchange.request, unixSeconds: unixSeconds))
        } catch { exchange.answer(error.response) }
    }

    private func answer(_ exchange: HTTPExchange, of token: GuestToken?) throws(WHEPRefusal) {
        let request = exchange.request
        guard let name = request.names["name"] ?? only() else {
            exchange.answer(.refusal(404, "Name a participant of \(door.room): /whep/\(door.room)/NAME."))
            return
        }
        guard request.path.hasPrefix("/whip/") else {
            guard token?.maySubscribe ?? true else { throw WHEPRefusal(403, "The token does not let its guest watch.") }
            return visitors.answer(exchange, of: name, members[name]?.share.tracks, until: end(of: token))
        }
        guard token?.mayPublish ?? true, (token?.name ?? name) == name else {
            throw WHEPRefusal(403, "The token does not let its guest publish as \(printable(name)).")
        }
        publishers.answer(exchange, of: name) { dismiss in
            context.log(.info, "\(request.peer) publishes in \(door.room) as \(name)")
            return join(name, "whip", token, tell: { _ in }, dismiss: dismiss)
        } leave: {
            leave($0)
        }
    }

    /// The one who is there alone.
    private func only() -> String? { members.all.count == 1 ? members.all[0].shown.name : nil }

    private func act(_ exchange: HTTPExchange) {
        do throws(WHEPRefusal) {
            let wish = try RoomAPI.wish(exchange.request)
            switch wish {
            case .end:
                for member in members.all { remove(member, "The room was ended.") }
            case .remove(let name): remove(try member(name), "You were taken out of the room.")
            case .mute(let name, let kind, let isMuted):
                try member(name).share.mute(kind, isMuted)
                _ = members.mute(name, kind, isMuted, byOthers: true)
            }
            exchange.answer(HTTPResponse(204))
        } catch { exchange.answer(error.response) }
    }

    private func member(_ name: String) throws(WHEPRefusal) -> RoomMembers.Member {
        guard let member = members[name] else {
            throw WHEPRefusal(404, "Nobody is in the room \(door.room) as \(printable(name)).")
        }
        return member
    }

    private func remove(_ member: RoomMembers.Member, _ sentence: String) {
        member.dismiss(sentence)
        leave(member.share)
    }
}

extension WebRTCRoom: SignalHost {
    func welcome(_ guest: SignalGuest) throws -> (tracks: [OfferedTrack], incoming: ViewerOffer.Incoming) {
        let token = try door.token(guest.socket.request, unixSeconds: unixSeconds)
        let name = try token?.name ?? nameOf(guest)
        let others = members.all.map(\.shown).filter { $0.name != name }
        guest.socket.send(RoomText.participants(others, room: door.room, you: name))
        guest.share = join(name, "websocket", token) { [socket = guest.socket] in
            socket.send($0)
        } dismiss: { [weak self, weak guest] sentence in
            guard let self, let guest else { return }
            desk.dismiss(guest, sentence, now: context.now)
        }
        context.log(.info, "\(guest.address) joins \(door.room) as \(name)")
        let mayPublish = token?.mayPublish ?? true
        return (
            members.tracks(for: name),
            ViewerOffer.Incoming(takesAudio: mayPublish, videoCodecs: mayPublish ? [.vp8] : [], isReady: true)
        )
    }

    private func nameOf(_ guest: SignalGuest) throws -> String {
        guard let name = guest.conversation.name, !name.isEmpty else { return members.freeName() }
        guard RoomName.isValid(name) else {
            throw NodeError("\(RoomName.rule) \"\(printable(name))\" is none")
        }
        return name
    }

    func tracks(for guest: SignalGuest) -> [OfferedTrack]? { guest.share.map { members.tracks(for: $0.name) } }

    func parameters(for guest: SignalGuest) -> [String: ParameterValue] {
        ["name": .string(guest.share?.name ?? "")]
    }

    func begin(_ guest: SignalGuest) {}

    func end(_ guest: SignalGuest) {
        guard let share = guest.share else { return }
        guest.share = nil
        leave(share)
    }

    func take(_ news: SignalDesk.News, of guest: SignalGuest) {
        switch news {
        case .answered(let time): answers.record(Int(time.milliseconds.rounded()))
        case .mute(let kind, let isMuted):
            if let name = guest.share?.name { _ = members.mute(name, kind, isMuted) }
        case .feedback, .stats: break
        }
    }

    func log(_ level: EventLog.Level, _ text: String) { context.handle.log(level, text) }
}
