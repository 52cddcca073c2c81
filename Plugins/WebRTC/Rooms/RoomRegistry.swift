import HTTP
import Synchronization

/// The doors of all rooms by their names. From any thread.
final class RoomRegistry: Sendable {
    private let most: Int
    private let keys: GuestKeys?
    private let doors = Mutex<[String: RoomDoor]>([:])
    private let build: @Sendable (RoomDoor) -> Bool
    private let closed: @Sendable () -> Void

    /// `keys` sign the tokens of guests. `build` has a room built behind a new door, and says false where that cannot
    /// be. `closed` is called when a door has closed.
    init(
        most: Int, keys: GuestKeys? = nil, build: @escaping @Sendable (RoomDoor) -> Bool,
        closed: @escaping @Sendable () -> Void
    ) {
        (self.most, self.keys, self.build, self.closed) = (most, keys, build, closed)
    }

    /// Hands it to the room of that name, which begins with it where there is none. False where nobody takes it.
    func post(_ knock: RoomDoor.Knock, to room: String, mayBegin: Bool) -> Bool {
        guard RoomName.isValid(room) else { return false }
        return doors.withLock { doors in
            if let door = doors[room], let isTaken = door.post(knock) { return isTaken }
            doors[room] = nil
            guard mayBegin, doors.count < most else { return false }
            let door = RoomDoor(room, keys: keys, closed: closed)
            guard build(door) else { return false }
            doors[room] = door
            return door.post(knock) ?? false
        }
    }

    /// The room is over. Nothing where another one has its name by now.
    func remove(_ door: RoomDoor) {
        doors.withLock { doors in if doors[door.room] === door { doors[door.room] = nil } }
    }

    /// In alphabetical order.
    var rooms: [RoomFacts] { doors.withLock { $0.values.map(\.board.present) }.sorted { $0.room < $1.room } }
}
