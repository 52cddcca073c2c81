import HTTP
import Sluice
import Synchronization

/// The way of sockets' events into a node. Each socket has a bound of its own, so that one that floods loses itself
/// alone: the service closes it.
final class SignalMailbox: Sendable {
    /// Events of a socket that may wait.
    static let mostWaiting = 64

    private let inbox: NodeContext.Inbox<WebSocketEvent>
    private let waiting = Mutex<[ObjectIdentifier: Int]>([:])

    /// `sockets` is how many are expected at a time.
    init(_ context: NodeContext, sockets: Int) {
        inbox = context.inbox(of: WebSocketEvent.self, capacity: min(max(1_024, sockets * 8), 65_536))
    }

    /// From the service's thread. False where the socket has too much waiting, or all have.
    func post(_ event: WebSocketEvent) -> Bool {
        let socket = ObjectIdentifier(event.socket)
        var isLast = false
        if case .closed = event { isLast = true }
        let isTaken = waiting.withLock { waiting in
            guard isLast || waiting[socket, default: 0] < SignalMailbox.mostWaiting else { return false }
            waiting[socket, default: 0] += 1
            return true
        }
        guard isTaken else { return false }
        if inbox.post(event) { return true }
        settle(socket)
        return false
    }

    /// Nothing waits. From any thread.
    var isEmpty: Bool { waiting.withLock { $0.isEmpty } }

    /// On the node's lane.
    func next() -> WebSocketEvent? {
        guard let event = inbox.next() else { return nil }
        settle(ObjectIdentifier(event.socket))
        return event
    }

    private func settle(_ socket: ObjectIdentifier) {
        waiting.withLock { waiting in
            let left = waiting[socket, default: 1] - 1
            waiting[socket] = left > 0 ? left : nil
        }
    }
}
