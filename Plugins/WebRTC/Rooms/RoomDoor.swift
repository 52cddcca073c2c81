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
    private let state = Mutex(State.building([]))
    private let closed: @Sendable () -> Void

    /// `closed` is called when it closes.
    init(_ room: String, closed: @escaping @Sendable () -> Void = {}) {
        (self.room, self.closed, board) = (room, closed, RoomBoard(room))
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
