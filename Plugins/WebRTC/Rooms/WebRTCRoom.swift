import DTLS
import HTTP
import ICE
import Negotiation
import Sluice

/// One room: its participants hear and see each other, never themselves. Each comes by the WebSocket `/peer/ROOM` and
/// gets an instance of a template; as others come and go it is offered their tracks by further offers.
public final class WebRTCRoom: Node {
    public static let descriptor = NodeDescriptor(
        "webrtc-room", summary: "One room, in which all hear and see all others", traits: [.live, .shares],
        example: #""room": { "type": "webrtc-room", "template": "participant" }"#)

    @Parameter(
        "template", default: "participant", startsTemplateWith: ["name"],
        help: "The template that is started for each participant. It is given the name.") var template: String
    @Parameter("max_participants", default: 50, range: 1...120, help: "The most participants at a time.")
    var mostParticipants: Int
    @Parameter(
        "idle_s", default: 30, range: 0...86_400, help: "The room ends so long after the last one has left, in seconds."
    )
    var idle: Double

    /// One who is in the room.
    private struct Member {
        let guest: SignalGuest
        let share: RoomShare
        var shown: RoomText.Participant
    }

    private var context: NodeContext!
    private var door: RoomDoor!
    private var gate: ViewerGate!
    private var desk: SignalDesk!
    private var mailbox: SignalMailbox!
    private var exchanges: NodeContext.Inbox<HTTPExchange>!
    /// Tracks or speakers are others than before.
    private var changes: NodeContext.Inbox<Bool>!
    private var speakers: RoomSpeakers!
    private var members: [String: Member] = [:]
    private var told: (speaking: [String], leader: String?) = ([], nil)
    private var departed: Metric.Counter!
    private var guests = 0
    /// Since when nobody is here.
    private var empty: Instant?
    private var isOver = false

    public init() {}

    public static var metrics: [Metric] {
        [
            .counter("participants_taken", "Participants whose answer was taken."),
            .counter("participants_left", "Participants who have left."),
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
        gate = ViewerGate(context, port, template: template, most: mostParticipants, noun: "participants")
        departed = context.counter("participants_left")
        desk = SignalDesk(gate, self)
        let (mailbox, exchanges, changes) = (
            SignalMailbox(context, sockets: mostParticipants), context.inbox(of: HTTPExchange.self, capacity: 256),
            context.inbox(of: Bool.self, capacity: 1)
        )
        (self.mailbox, self.exchanges, self.changes) = (mailbox, exchanges, changes)
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
        while let exchange = exchanges.next() { answer(exchange) }
        while let news = gate.news() { desk.take(news, now: now) }
        while changes.next() != nil {}
        desk.noteTracks(now: now)
        desk.advance(now: now)
        tellSpeakers()
        if desk.due < .distantFuture { context.wake(at: desk.due) }
        endIfEmpty(now)
    }

    public func close() {
        door?.close()
        gate?.stopAll()
    }

    /// A room that nobody is in for a while ends, unless somebody stands at its door.
    private func endIfEmpty(_ now: Instant) {
        guard desk.isEmpty else {
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

    private func answer(_ exchange: HTTPExchange) {
        exchange.answer(.refusal(404, "There is nothing of that kind in a room."))
    }

    private func tellSpeakers() {
        let present = speakers.present
        let speaking = present.speaking.sorted()
        guard speaking != told.speaking || present.leader != told.leader else { return }
        told = (speaking, present.leader)
        desk.tell(RoomText.speaking(speaking, leader: present.leader))
    }
}

extension WebRTCRoom: SignalHost {
    func welcome(_ guest: SignalGuest) throws -> (tracks: [OfferedTrack], incoming: ViewerOffer.Incoming) {
        let name = try nameOf(guest)
        if let holder = members[name], holder.guest !== guest {
            desk.dismiss(holder.guest, "Somebody else has joined as \(name).", now: context.now)
        }
        let changes = changes!
        let share = RoomShare(name, speakers) { _ = changes.post(true) }
        guest.share = share
        let shown = RoomText.Participant(name: name)
        let others = members.values.map(\.shown).sorted { $0.name < $1.name }
        guest.socket.send(RoomText.participants(others, room: door.room, you: name))
        for other in members.values { other.guest.socket.send(RoomText.joined(shown)) }
        members[name] = Member(guest: guest, share: share, shown: shown)
        context.log(.info, "\(guest.address) joins \(door.room) as \(name)")
        return (tracks(except: name), ViewerOffer.Incoming(takesAudio: true, videoCodecs: [.vp8], isReady: true))
    }

    private func nameOf(_ guest: SignalGuest) throws -> String {
        guard let name = guest.conversation.name, !name.isEmpty else {
            guests += 1
            while members["guest-\(guests)"] != nil { guests += 1 }
            return "guest-\(guests)"
        }
        guard RoomName.isValid(name) else {
            throw NodeError("\(RoomName.rule) \"\(printable(name))\" is none")
        }
        return name
    }

    func tracks(for guest: SignalGuest) -> [OfferedTrack]? { guest.share.map { tracks(except: $0.name) } }

    private func tracks(except name: String) -> [OfferedTrack] {
        members.values.sorted { $0.shown.name < $1.shown.name }.filter { $0.shown.name != name }.flatMap(\.share.tracks)
    }

    func parameters(for guest: SignalGuest) -> [String: ParameterValue] {
        ["name": .string(guest.share?.name ?? "")]
    }

    func begin(_ guest: SignalGuest) {}

    func end(_ guest: SignalGuest) {
        guard let share = guest.share else { return }
        guest.share = nil
        share.end()
        guard members[share.name]?.share === share else { return }
        members[share.name] = nil
        departed.add()
        for other in members.values { other.guest.socket.send(RoomText.left(share.name)) }
        context.log(.info, "\(share.name) has left \(door.room)")
    }

    func take(_ news: SignalDesk.News, of guest: SignalGuest) {
        guard case .mute(let kind, let isMuted) = news, let name = guest.share?.name else { return }
        if isMuted { members[name]?.shown.muted.insert(kind) } else { members[name]?.shown.muted.remove(kind) }
        for other in members.values where other.guest !== guest {
            other.guest.socket.send(RoomText.muted(name, kind, isMuted))
        }
    }

    func log(_ level: EventLog.Level, _ text: String) { context.handle.log(level, text) }
}
