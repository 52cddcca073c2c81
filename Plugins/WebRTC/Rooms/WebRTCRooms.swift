import HTTP
import Net
import Sluice

/// Rooms by their names: each begins with the first who comes to it, as an instance of a template, and ends some time
/// behind the last. A room that fails fails alone.
public final class WebRTCRooms: Node {
    public static let descriptor = NodeDescriptor(
        "webrtc-rooms", summary: "Starts a room for each name that somebody comes to", traits: .live,
        example: #""rooms": { "type": "webrtc-rooms", "template": "room" }"#)

    @Parameter(
        "template", default: "room", startsTemplateWith: ["room"],
        help: "The template that is started for each room. It is given the name of /peer/NAME as room.") var template:
        String
    @Parameter("max_rooms", default: 100, range: 1...10_000, help: "The most rooms at a time.") var mostRooms: Int
    @Parameter(
        "guest_keys", default: "",
        help:
            "The key that signs guests' tokens (JSON Web Tokens by HS256), or two with a comma between them. Empty "
            + "lets no guests in: all show the token of the service http.")
    var guestKeys: String
    @Parameter(
        "page_path", default: "/",
        help: "The path of the page on which browsers meet: ?room=NAME chooses the room. Empty serves none.")
    var pagePath: String

    private var context: NodeContext!
    private var leases: [HTTPLease] = []
    private var registry: RoomRegistry!
    /// Questions for the list, and those for one room.
    private var exchanges: NodeContext.Inbox<HTTPExchange>!
    /// Doors of rooms that are to be built.
    private var wanted: NodeContext.Inbox<RoomDoor>!
    private var running: [(door: RoomDoor, instance: NodeContext.Instance)] = []
    private var rooms: (begun: Metric.Counter, ended: Metric.Counter)!

    public init() {}

    public static var metrics: [Metric] {
        [.counter("rooms_begun", "Rooms that were begun."), .counter("rooms_ended", "Rooms that have ended.")]
    }

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        guard let http = try context.service((any HTTPService).self) else {
            throw NodeError(
                "there is no HTTP service, by which participants come",
                advice: "Install the plugin HTTP beside this one.", isInputError: true)
        }
        rooms = (context.counter("rooms_begun"), context.counter("rooms_ended"))
        let wanted = context.inbox(of: RoomDoor.self, capacity: mostRooms)
        self.wanted = wanted
        let (handle, mostRooms, keys) = (context.handle, mostRooms, try GuestKeys.read(guestKeys))
        let registry = RoomRegistry(most: mostRooms, keys: keys, build: { wanted.post($0) }, closed: { handle.post() })
        self.registry = registry
        var socket = WebSocketRoute(path: "/peer/{room}", subprotocols: ["sluice"])
        socket.admits = WebRTCRooms.admitting(keys)
        leases = [
            try http.serve(socket, for: context.name) { event in
                let room = event.socket.request.names["room"] ?? ""
                var isNew = false
                if case .opened = event { isNew = true }
                guard !handle.isOver else { return false }
                if registry.post(.socket(event), to: room, mayBegin: isNew) { return true }
                guard isNew else { return false }
                if RoomName.isValid(room) {
                    event.socket.close(1_013, "There are \(mostRooms) rooms, which is the most: try again later.")
                } else {
                    event.socket.close(1_008, RoomName.rule)
                }
                return true
            }
        ]
        let exchanges = context.inbox(of: HTTPExchange.self, capacity: 256)
        self.exchanges = exchanges
        leases.append(
            try http.serve(WebRTCRooms.routes(keys), for: context.name) { exchange in
                guard !handle.isOver else { return false }
                let (request, room) = (exchange.request, exchange.request.names["room"] ?? "")
                // A list and its parts are answered here; all that is of one room goes there.
                if request.path.hasPrefix(RoomAPI.path) { return exchanges.post(exchange) }
                let begins = request.method == .post && request.path.hasPrefix("/whip/")
                if registry.post(.exchange(exchange), to: room, mayBegin: begins) { return true }
                exchange.answer(
                    RoomName.isValid(room)
                        ? .refusal(404, "There is no room \(room), or there are too many.")
                        : .refusal(404, RoomName.rule))
                return true
            })
        if !pagePath.isEmpty {
            let page = HTTPContent(pagePath, type: "text/html; charset=utf-8", RoomPage.html())
            leases.append(try http.serve([page], for: context.name))
            context.log(.info, "open \(http.address)\(pagePath) in two browsers; ?room=NAME is another room")
        }
        context.runsUntilStopped()
    }

    /// Guests who have a token that is good now for that room.
    private static func admitting(_ keys: GuestKeys?) -> (@Sendable (String, HTTPRequest) -> Bool)? {
        guard let keys else { return nil }
        return { bearer, request in
            let now = Double(SystemClock.unixNanoseconds) / 1e9
            let token = try? GuestToken(bearer, keys: keys, unixSeconds: now)
            return token?.room == request.names["room"]
        }
    }

    private static func routes(_ keys: GuestKeys?) -> [HTTPRoute] {
        let exposed = SessionDesk.exposed
        var routes = [
            HTTPRoute(
                .post, .get, path: "/whip/{room}/{name}", exposes: exposed, optionsHeaders: SessionDesk.options),
            HTTPRoute(.patch, .delete, .get, path: "/whip/{room}/{name}/{session}", exposes: exposed),
            HTTPRoute(.post, .get, path: "/whep/{room}", exposes: exposed, optionsHeaders: SessionDesk.options),
            HTTPRoute(
                .post, .get, path: "/whep/{room}/{name}", exposes: exposed, optionsHeaders: SessionDesk.options),
            HTTPRoute(.patch, .delete, .get, path: "/whep/{room}/{name}/{session}", exposes: exposed),
        ]
        for index in routes.indices { routes[index].admits = admitting(keys) }
        return routes + RoomAPI.routes
    }

    private func answer(_ exchange: HTTPExchange) {
        if let response = RoomAPI.answer(exchange.request, registry.rooms) {
            exchange.answer(response)
        } else if !registry.post(.exchange(exchange), to: exchange.request.names["room"] ?? "", mayBegin: false) {
            exchange.answer(.refusal(404, "There is no such room: it has ended."))
        }
    }

    public func process(now: Instant) throws {
        while let exchange = exchanges.next() { answer(exchange) }
        while let door = wanted.next() {
            rooms.begun.add()
            running.append(
                (door, context.start(template, parameters: ["room": .string(door.room)], resource: door)))
        }
        // One that could not be built never closes its door by itself.
        for (door, instance) in running where instance.isOver && !door.isClosed { door.close() }
        for (door, _) in running where door.isClosed {
            registry.remove(door)
            rooms.ended.add()
        }
        running.removeAll { $0.door.isClosed }
        if running.contains(where: \.door.isBuilding) { context.wake(at: now + .milliseconds(200)) }
    }

    public func close() {
        for lease in leases { lease.end() }
        for (door, instance) in running {
            door.close()
            instance.stop()
        }
    }
}
