import HTTP
import Synchronization

/// The way of sockets and requests into one room. They wait here while the room is being built, and none is lost where
/// it ends at the same time. From any thread.
final class RoomDoor: Sendable {
    /// Somebody who comes, or who is there and says something.
    enum Knock: Sendable {
        case socket(WebSocketEvent)
        case exchange(HTTPExchange)
    }

    /// So many wait until the room is there.
    static let mostWaiting = 1_024

    private enum State {
        case building([Knock])
        case open(@Sendable (Knock) -> Bool)
        case closed
    }

    let room: String
    /// The room as others see it.
    let board: RoomBoard
    /// They sign the tokens of guests; nil where there are none.
    let keys: GuestKeys?
    private let state = Mutex(State.building([]))
    private let closed: @Sendable () -> Void

    /// `closed` is called when it closes.
    init(_ room: String, keys: GuestKeys? = nil, closed: @escaping @Sendable () -> Void = {}) {
        (self.room, self.keys, self.closed, board) = (room, keys, closed, RoomBoard(room))
    }

    /// The token of a guest who was let in; nil for one who has the service's own, or needs none. Throws where it is no
    /// longer good, or is for another room.
    func token(_ request: HTTPRequest, unixSeconds now: Double) throws(WHEPRefusal) -> GuestToken? {
        guard let keys, let bearer = request.bearer else { return nil }
        do throws(GuestToken.Refusal) {
            let token = try GuestToken(bearer, keys: keys, unixSeconds: now)
            guard token.room == room else { throw GuestToken.Refusal("The token is for another room.") }
            return token
        } catch {
            // The service has let it in: so it is the service's own.
            guard error.isSigned else { return nil }
            throw WHEPRefusal(403, error.sentence)
        }
    }

    /// nil where the room is over, false where too much waits.
    func post(_ knock: Knock) -> Bool? {
        state.withLock { state in
            switch state {
            case .building(var waiting):
                guard waiting.count < RoomDoor.mostWaiting else { return false }
                waiting.append(knock)
                state = .building(waiting)
                return true
            case .open(let post): return post(knock)
            case .closed: return nil
            }
        }
    }

    /// The room is there: `post` gets what waits, and all that comes.
    func open(_ post: @escaping @Sendable (Knock) -> Bool) {
        state.withLock { state in
            if case .building(let waiting) = state { for knock in waiting { _ = post(knock) } }
            state = .open(post)
        }
    }

    /// The room is over, unless `isBusy` says that something came in meanwhile. True where it is closed.
    @discardableResult
    func close(unless isBusy: () -> Bool = { false }) -> Bool {
        let isClosed = state.withLock { state in
            guard !isBusy() else { return false }
            state = .closed
            return true
        }
        if isClosed { closed() }
        return isClosed
    }

    /// The room has not been built yet.
    var isBuilding: Bool {
        state.withLock { state in
            if case .building = state { return true }
            return false
        }
    }

    var isClosed: Bool {
        state.withLock { state in
            if case .closed = state { return true }
            return false
        }
    }
}
