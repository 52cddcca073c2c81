import Negotiation
import Sluice

/// Those who are in a room, and the messages that each of them gets of the others. Of the room's lane.
struct RoomMembers {
    /// One of them.
    struct Member {
        let share: RoomShare
        var shown: RoomText.Participant
        /// `websocket` or `whip`.
        let way: String
        /// nil where it may do everything.
        let token: GuestToken?
        /// Its token is no longer good then.
        let until: Instant?
        /// Sends a message to it.
        let tell: (String) -> Void
        /// Has it leave, and tells it why.
        let dismiss: (String) -> Void
    }

    private var members: [String: Member] = [:]
    /// Names of those who have led, the latest first, and then of those who have not, in the order of their coming.
    private var heard: [String] = []
    /// The most videos of others that each one gets.
    private let mostVideos: Int

    init(mostVideos: Int) { self.mostVideos = mostVideos }

    var isEmpty: Bool { members.isEmpty }

    subscript(name: String) -> Member? { members[name] }

    /// In alphabetical order.
    var all: [Member] { members.values.sorted { $0.shown.name < $1.shown.name } }

    /// A name for one who has said none.
    func freeName() -> String {
        var number = 1
        while members["guest-\(number)"] != nil { number += 1 }
        return "guest-\(number)"
    }

    /// The others are told. The one who had the name before has to leave first.
    mutating func add(_ member: Member) {
        tell(RoomText.joined(member.shown))
        members[member.shown.name] = member
        heard.append(member.shown.name)
    }

    /// That one leads now.
    mutating func lead(_ name: String) {
        guard let index = heard.firstIndex(of: name) else { return }
        heard.insert(heard.remove(at: index), at: 0)
    }

    /// Nothing where somebody else has the name by now.
    mutating func remove(_ share: RoomShare) -> Bool {
        guard members[share.name]?.share === share else { return false }
        members[share.name] = nil
        heard.removeAll { $0 == share.name }
        tell(RoomText.left(share.name))
        return true
    }

    /// True where it is there. With `byOthers` it is told so itself.
    mutating func mute(_ name: String, _ kind: MediaKind, _ isMuted: Bool, byOthers: Bool = false) -> Bool {
        guard members[name] != nil else { return false }
        if isMuted {
            members[name]?.shown.muted.insert(kind)
        } else {
            members[name]?.shown.muted.remove(kind)
        }
        tell(RoomText.muted(name, kind, isMuted), except: byOthers ? nil : name)
        return true
    }

    /// To all, but for one.
    func tell(_ message: String, except name: String? = nil) {
        for member in members.values where member.shown.name != name { member.tell(message) }
    }

    /// The tracks of all others, for one: all voices, and the videos of those who have led last. None where it may not
    /// hear them.
    func tracks(for name: String) -> [OfferedTrack] {
        guard members[name]?.token?.maySubscribe ?? true else { return [] }
        let seen = Set(
            heard.lazy.filter { [members] other in
                other != name && members[other]?.share.tracks.contains { $0.stream.format.isVideo } ?? false
            }.prefix(mostVideos))
        return all.filter { $0.shown.name != name }.flatMap { member in
            member.share.tracks.filter { !$0.stream.format.isVideo || seen.contains(member.shown.name) }
        }
    }

    /// When the first token is no longer good.
    var due: Instant? { members.values.compactMap(\.until).min() }
}
