import Synchronization

/// Where WebSockets (RFC 6455) may be opened.
public struct WebSocketRoute: Sendable {
    /// As a route's: `/peer/{name}`.
    public var path: String
    /// The subprotocols that the owner speaks, the best first; none is chosen where the other end offers none of them.
    public var subprotocols: [String]
    /// The service's token must be shown, where it has one.
    public var needsToken = true
    /// Takes other tokens besides: one must be shown then, whether the service has its own or not. On the service's
    /// thread.
    public var admits: (@Sendable (_ bearer: String, HTTPRequest) -> Bool)?

    /// WebSockets at `path`.
    public init(path: String, subprotocols: [String] = []) { (self.path, self.subprotocols) = (path, subprotocols) }
}

/// One open WebSocket, as its owner holds it. From any thread; nothing waits.
public final class WebSocket: Sendable {
    /// Of the request that opened it, `Origin` among its headers.
    public let request: HTTPRequest
    /// The one that was agreed on.
    public let subprotocol: String?
    private let isOver = Atomic<Bool>(false)
    private let deliver: @Sendable (String) -> Bool
    private let end: @Sendable (_ code: Int, _ reason: String) -> Void

    /// `deliver` and `end` do what `send` and `close` say. Tests give their own.
    public init(
        _ request: HTTPRequest, subprotocol: String? = nil, deliver: @escaping @Sendable (String) -> Bool,
        end: @escaping @Sendable (_ code: Int, _ reason: String) -> Void
    ) {
        (self.request, self.subprotocol, self.deliver, self.end) = (request, subprotocol, deliver, end)
    }

    /// Queues one text message. False where the socket is closed, and where 64 messages or 4 MiB wait already: then the
    /// other end does not read, and the socket is being closed.
    @discardableResult
    public func send(_ text: String) -> Bool { !isOver.load(ordering: .relaxed) && deliver(text) }

    /// Closes it behind what was sent. `code` is 1000, 1001 or 1008 to 4999 as RFC 6455, section 7.4 has it; `reason`
    /// has at most 123 bytes, the rest is cut.
    public func close(_ code: Int = 1_000, _ reason: String = "") {
        if !isOver.exchange(true, ordering: .relaxed) { end(code, reason) }
    }

    /// Whether the owner may still send. Its `closed` message comes all the same.
    public var isOpen: Bool { !isOver.load(ordering: .relaxed) }

    /// The provider says that it is closed.
    public func markClosed() { isOver.store(true, ordering: .relaxed) }

    deinit { close(1_001, "nobody answers here any more") }
}

/// The events of the WebSockets of a route, as its owner hears them.
public enum WebSocketEvent: Sendable {
    /// The first one of each socket.
    case opened(WebSocket)
    /// A whole message, 65,536 bytes at most.
    case text(WebSocket, String)
    /// The last one of each socket. 1006 where it ended without a word (RFC 6455, section 7.1.5).
    case closed(WebSocket, code: Int, reason: String)

    /// The socket that it happens to.
    public var socket: WebSocket {
        switch self {
        case .opened(let socket), .text(let socket, _), .closed(let socket, _, _): socket
        }
    }
}
