import HTTPFields
import Sluice
import Synchronization

/// One connection to a WebSocket of somebody else (RFC 6455), by libwebsockets, on a thread that all of the process
/// share. From any thread; nothing waits.
public final class WebSocketCall: Sendable {
    /// Things that happen to it, the last one being `refused` or `closed`.
    public enum Event: Sendable {
        /// Messages may be sent.
        case opened
        /// A whole message, a mebibyte at most. A binary one counts where it is UTF-8.
        case text(String)
        /// The answer to a ping.
        case pong
        /// The answer to the handshake was another one than 101. `retryAfter` is the field of that name, as it stands.
        case refused(status: Int, retryAfter: String?)
        /// It is gone, or did not come about. `reason` is the middle of a sentence, without a word of the other end.
        /// `isClean` where that has closed it with a close frame of 1000 or without a code.
        case closed(reason: String, isClean: Bool)
    }

    /// A text that goes out each time that so long has gone by: servers close connections on which nothing comes.
    public struct Sign: Sendable {
        let text: String
        let every: Interval

        public init(_ text: String, every: Interval) { (self.text, self.every) = (text, every) }
    }

    /// Bytes that wait to be sent, at most.
    public static let mostWaiting = 4 << 20
    /// Bytes of a message that comes, at most.
    public static let mostBytes = 1 << 20

    enum Message {
        case text([UInt8])
        case bytes([UInt8])
        case ping
    }

    struct State {
        var queue: [Message] = []
        var waiting = 0
        var isOver = false
        var isOpen = false
        var deliver: @Sendable (Event) -> Void
        var sign: Sign?
        /// To be closed: with a close frame, or at once.
        var closes = false
        var aborts = false
    }

    let target: WebSocketAddress
    /// In digits.
    let address: String
    let fields: HTTPHeaders
    let state: Mutex<State>
    let id: UInt64

    /// Begins to connect. `address` is that of the host in digits. `sign` is sent while nobody else keeps the
    /// connection, until `redirect`. `deliver` is called on the thread that all share, and must not wait. Throws
    /// `NodeError` where there is no thread.
    public init(
        _ target: WebSocketAddress, address: String, fields: HTTPHeaders = [:], sign: Sign? = nil,
        deliver: @escaping @Sendable (Event) -> Void
    ) throws {
        (self.target, self.address, self.fields) = (target, address, fields)
        state = Mutex(State(deliver: deliver, sign: sign))
        id = WebSocketThread.newID()
        try WebSocketThread.shared().begin(self)
    }

    /// Another owner has its events from now on, and keeps it; one that is being delivered may still go to the one
    /// before.
    public func redirect(_ deliver: @escaping @Sendable (Event) -> Void) {
        state.withLock { ($0.deliver, $0.sign) = (deliver, nil) }
    }

    /// Messages may be sent.
    public var isOpen: Bool { state.withLock { $0.isOpen && !$0.isOver } }
    /// It is gone, or did not come about.
    public var isOver: Bool { state.withLock { $0.isOver } }

    /// Queues a text. False where it is closed, and where too much waits: then the other end does not read.
    @discardableResult
    public func send(_ text: String) -> Bool { add(.text(Array(text.utf8)), text.utf8.count) }

    /// Queues a binary message; otherwise as a text.
    @discardableResult
    public func send(_ bytes: [UInt8]) -> Bool { add(.bytes(bytes), bytes.count) }

    /// Queues a ping.
    public func ping() { _ = add(.ping, 0) }

    /// Closes it behind what waits, with a close frame.
    public func close() {
        state.withLock { $0.closes = true }
        WebSocketThread.wake(self)
    }

    /// Closes it at once. Nothing more is delivered.
    public func abort() {
        state.withLock { state in
            state = State(isOver: true, deliver: { _ in }, closes: true, aborts: true)
        }
        WebSocketThread.wake(self)
    }

    private func add(_ message: Message, _ count: Int) -> Bool {
        let isTaken = state.withLock { state in
            guard !state.isOver, !state.closes, state.waiting + count <= WebSocketCall.mostWaiting,
                state.queue.count < 65_536
            else { return false }
            state.queue.append(message)
            state.waiting += count
            return true
        }
        if isTaken { WebSocketThread.wake(self) }
        return isTaken
    }

    func tell(_ event: Event) {
        let deliver = state.withLock { state -> (@Sendable (Event) -> Void)? in
            guard !state.isOver else { return nil }
            switch event {
            case .opened: state.isOpen = true
            case .refused, .closed: state.isOver = true
            case .text, .pong: break
            }
            return state.deliver
        }
        deliver?(event)
    }
}
