import Negotiation
import Sluice
import Synchronization

/// A room as `/api/v1/rooms` shows it.
struct RoomFacts: Equatable, Sendable {
    /// One who is in the room.
    struct Participant: Equatable, Sendable {
        var name: String
        var muted: Set<MediaKind> = []
        /// Media that the others get of it.
        var tracks: [MediaKind] = []
        var isSpeaking = false
        /// `websocket` or `whip`.
        var way = "websocket"
    }

    var room: String
    var participants: [Participant] = []
    var leader: String?
    /// Those who only watch, by WHEP.
    var viewers = 0

    func write(_ writer: inout JSONValue.Writer) {
        writer.object { fields in
            fields.key("room", room)
            if let leader { fields.key("dominant", leader) }
            fields.key("viewers", viewers)
            fields.key("participants") { list in
                list.array { array in for one in participants { array.element { one.write(&$0) } } }
            }
        }
    }
}

extension RoomFacts.Participant {
    fileprivate func write(_ writer: inout JSONValue.Writer) {
        writer.object { fields in
            fields.key("name", name)
            fields.key("way", way)
            fields.key("tracks") { $0.write(tracks) }
            fields.key("muted") { $0.write(MediaKind.allCases.filter(muted.contains)) }
            fields.key("speaking", isSpeaking)
        }
    }
}

extension JSONValue.Writer {
    /// `["audio", "video"]`
    mutating func write(_ kinds: [MediaKind]) {
        array { array in for kind in kinds { array.element { $0.quote(kind.rawValue) } } }
    }
}

/// The facts of one room, from its own lane to the one that answers requests. From any thread.
final class RoomBoard: Sendable {
    private let facts: Mutex<RoomFacts>

    init(_ room: String) { facts = Mutex(RoomFacts(room: room)) }

    var present: RoomFacts {
        get { facts.withLock { $0 } }
        set { facts.withLock { $0 = newValue } }
    }
}
