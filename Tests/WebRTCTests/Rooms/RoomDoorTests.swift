import HTTP
import Sluice
import Synchronization
import Testing

@testable import WebRTCPlugin

@Suite("Doors of rooms") struct RoomDoorTests {
    private func socket(_ room: String = "main") -> WebSocketEvent {
        .opened(
            WebSocket(HTTPRequest(.get, "/peer/\(room)", names: ["room": room]), deliver: { _ in true }) { _, _ in })
    }

    @Test func whoComesWhileTheRoomIsBuiltIsHandedOn() {
        let door = RoomDoor("main")
        #expect(door.post(.socket(socket())) == true && door.isBuilding)
        let got = Mutex(0)
        door.open { _ in
            got.withLock { $0 += 1 }
            return true
        }
        #expect(got.withLock { $0 } == 1)
        #expect(door.post(.socket(socket())) == true && got.withLock { $0 } == 2)
    }

    @Test func theWaitingAreBoundedAndAClosedDoorTakesNobody() {
        let closed = Mutex(false)
        let door = RoomDoor("main") { closed.withLock { $0 = true } }
        for _ in 0..<RoomDoor.mostWaiting { #expect(door.post(.socket(socket())) == true) }
        #expect(door.post(.socket(socket())) == false)
        #expect(!door.close(unless: { true }) && !door.isClosed)
        #expect(door.close() && closed.withLock { $0 })
        #expect(door.post(.socket(socket())) == nil)
    }

    @Test func aRoomBeginsWithItsFirstSessionAndAnotherOneBehindItsEnd() throws {
        let built = Mutex<[RoomDoor]>([])
        let registry = RoomRegistry(
            most: 2,
            build: { door in
                built.withLock { $0.append(door) }
                return true
            }, closed: {})
        #expect(!registry.post(.socket(socket()), to: "main", mayBegin: false))
        #expect(registry.post(.socket(socket()), to: "main", mayBegin: true))
        #expect(registry.post(.socket(socket()), to: "main", mayBegin: true))
        #expect(built.withLock { $0.count } == 1)
        #expect(!registry.post(.socket(socket()), to: "../etc", mayBegin: true))
        #expect(registry.post(.socket(socket()), to: "two", mayBegin: true))
        #expect(!registry.post(.socket(socket()), to: "three", mayBegin: true))
        #expect(registry.rooms.map(\.room) == ["main", "two"])
        built.withLock { _ = $0[0].close() }
        #expect(registry.post(.socket(socket()), to: "main", mayBegin: true))
        #expect(built.withLock { $0.count } == 3)
        // The one that is over does not take the new one's name.
        registry.remove(built.withLock { $0[0] })
        #expect(registry.rooms.map(\.room) == ["main", "two"])
    }
}
