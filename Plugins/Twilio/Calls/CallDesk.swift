import HTTP
import Sluice
import Synchronization

/// The calls that have come, by their sockets. The text of each goes to that call, so that a thousand calls do not pass
/// through one node.
final class CallDesk: Sendable {
    enum News: Sendable {
        case opened(TwilioCall)
        /// It has something to read, before a node of its own listens.
        case said(TwilioCall)
        case closed(TwilioCall)
    }

    private let calls = Mutex<[ObjectIdentifier: TwilioCall]>([:])
    private let inbox: NodeContext.Inbox<News>
    private let node: NodeContext.Handle
    private let jitter: Interval

    init(_ context: NodeContext, calls most: Int, jitter: Interval) {
        inbox = context.inbox(of: News.self, capacity: min(65_536, max(8_192, most * 8)))
        node = context.handle
        self.jitter = jitter
    }

    // MARK: The service's thread

    func post(_ event: WebSocketEvent) -> Bool {
        guard !node.isOver else { return false }
        let key = ObjectIdentifier(event.socket)
        switch event {
        case .opened(let socket):
            let call = TwilioCall(socket, jitter: jitter)
            guard inbox.post(.opened(call)) else { return false }
            calls.withLock { $0[key] = call }
            return true
        case .text(_, let text):
            guard let call = calls.withLock({ $0[key] }) else { return true }
            guard call.post(text) else { return false }
            return call.hasInstance || inbox.post(.said(call))
        case .closed(_, let code, _):
            guard let call = calls.withLock({ $0[key] }) else { return true }
            call.closed(code)
            guard inbox.post(.closed(call)) else { return false }
            _ = calls.withLock { $0.removeValue(forKey: key) }
            return true
        }
    }

    // MARK: The node's lane

    func next() -> News? { inbox.next() }
}
