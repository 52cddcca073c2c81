import Negotiation
import Sluice

/// The messages about a room to those who are in it, as JSON text on one line.
enum RoomText {
    /// One who is in the room.
    struct Participant: Equatable, Sendable {
        var name: String
        var muted: Set<MediaKind> = []

        fileprivate func write(_ writer: inout JSONValue.Writer) {
            writer.key("name", name)
            writer.key("muted") { list in
                list.array { array in
                    for kind in MediaKind.allCases where muted.contains(kind) {
                        array.element { $0.quote(kind.rawValue) }
                    }
                }
            }
        }
    }

    /// Those who are there, for one who comes, under the name that it has.
    static func participants(_ all: [Participant], room: String, you: String) -> String {
        SignalText.object("participants") { fields in
            fields.key("room", room)
            fields.key("you", you)
            fields.key("participants") { list in
                list.array { array in for one in all { array.element { $0.object { one.write(&$0) } } } }
            }
        }
    }

    static func joined(_ one: Participant) -> String { SignalText.object("joined") { one.write(&$0) } }

    static func left(_ name: String) -> String { SignalText.object("left") { $0.key("name", name) } }

    static func muted(_ name: String, _ kind: MediaKind, _ isMuted: Bool) -> String {
        SignalText.object("muted") {
            $0.key("name", name)
            $0.key("kind", kind.rawValue)
            $0.key("muted", isMuted)
        }
    }

    /// Those who speak, and the one who leads.
    static func speaking(_ names: [String], leader: String?) -> String {
        SignalText.object("speaking") { fields in
            fields.key("names") { list in
                list.array { array in for name in names { array.element { $0.quote(name) } } }
            }
            if let leader { fields.key("dominant", leader) }
        }
    }
}
