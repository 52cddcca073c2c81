import HTTP
import Negotiation
import Sluice

/// Requests to `/api/v1/rooms`, understood, and the answers about rooms.
enum RoomAPI {
    /// Asked of one room.
    enum Wish: Equatable {
        case mute(String, MediaKind, Bool)
        case remove(String)
        case end
    }

    static let path = "/api/v1/rooms"

    static var routes: [HTTPRoute] {
        [
            HTTPRoute(.get, path: path), HTTPRoute(.get, .delete, path: "\(path)/{room}"),
            HTTPRoute(.patch, .delete, path: "\(path)/{room}/{name}"),
        ]
    }

    /// To a list, or to the question for one room. nil where the room itself has to act.
    static func answer(_ request: HTTPRequest, _ rooms: [RoomFacts]) -> HTTPResponse? {
        guard let name = request.names["room"] else {
            return json { writer in
                writer.object { fields in
                    fields.key("rooms") { list in
                        list.array { array in for room in rooms { array.element { room.write(&$0) } } }
                    }
                }
            }
        }
        guard let room = rooms.first(where: { $0.room == name }) else {
            return .refusal(404, "There is no room \(printable(name)): it has ended, or never began.")
        }
        return request.method == .get ? json { room.write(&$0) } : nil
    }

    private static func json(_ body: (inout JSONValue.Writer) -> Void) -> HTTPResponse {
        var writer = JSONValue.Writer()
        body(&writer)
        return HTTPResponse(200, "application/json", writer.text + "\n", headers: ["Cache-Control": "no-store"])
    }

    /// A change of a room, or of one who is in it. Throws for one that makes no sense.
    static func wish(_ request: HTTPRequest) throws(WHEPRefusal) -> Wish {
        guard let name = request.names["name"] else { return .end }
        guard request.method == .patch else { return .remove(name) }
        guard let text = request.text,
            let value = try? JSONValue.parse(Array(text.utf8), limits: JSONValue.Limits(bytes: 4_096, depth: 4)),
            let kind = value["kind"]?.string.flatMap({ MediaKind(rawValue: $0) }), let isMuted = value["muted"]?.boolean
        else {
            throw WHEPRefusal(
                400, #"Send JSON with "kind" and "muted": {"kind": "audio", "muted": true} or "video" and false."#)
        }
        return .mute(name, kind, isMuted)
    }
}
