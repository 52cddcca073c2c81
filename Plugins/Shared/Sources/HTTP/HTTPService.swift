import Sluice
import Synchronization

/// The HTTP port of the process: `context.service((any HTTPService).self)`. Routes come and go while it serves.
///
/// A request and a WebSocket's events are handed over by `post`, on the service's thread: to an inbox. It must not
/// wait. Where it says false, a request is answered with 503 and a WebSocket is closed with 1013.
public protocol HTTPService: AnyObject, Sendable {
    /// To open in a browser on this machine: `http://127.0.0.1:8889`, without a `/` at its end.
    var address: String { get }

    /// Requests of `routes` go to `post` until the lease ends. `owner` is told where another one wants the same route.
    /// Throws `NodeError` where a path is no path, or has an owner already.
    func serve(
        _ routes: [HTTPRoute], for owner: String, post: @escaping @Sendable (HTTPExchange) -> Bool
    ) throws -> HTTPLease

    /// The service answers with `contents` until the lease ends. Throws as above.
    func serve(_ contents: [HTTPContent], for owner: String) throws -> HTTPLease

    /// WebSockets may be opened at `route`. When the lease ends those that are open are closed with 1001. Throws as
    /// above.
    func serve(
        _ route: WebSocketRoute, for owner: String, post: @escaping @Sendable (WebSocketEvent) -> Bool
    ) throws -> HTTPLease

    /// Its numbers since it opened.
    var counts: HTTPCounts { get }
}

extension HTTPService {
    /// Requests of `routes` come to a node's inbox. They end with the node, also where it forgets the lease.
    public func serve(
        _ routes: HTTPRoute..., to inbox: NodeContext.Inbox<HTTPExchange>, of node: NodeContext.Handle
    ) throws -> HTTPLease {
        try serve(routes, for: node.name) { !node.isOver && inbox.post($0) }
    }

    /// The events of `route` come to a node's inbox. They end with the node, also where it forgets the lease.
    public func serve(
        _ route: WebSocketRoute, to inbox: NodeContext.Inbox<WebSocketEvent>, of node: NodeContext.Handle
    ) throws -> HTTPLease {
        try serve(route, for: node.name) { !node.isOver && inbox.post($0) }
    }
}

/// Routes that somebody has: they are served until it ends. Keep it, and end it in `close`.
public final class HTTPLease: Sendable {
    private let isOver = Atomic<Bool>(false)
    private let withdraw: @Sendable () -> Void

    /// `withdraw` is called once. Tests give their own.
    public init(withdraw: @escaping @Sendable () -> Void) { self.withdraw = withdraw }

    /// From any thread. Requests that wait for an answer keep waiting for it.
    public func end() { if !isOver.exchange(true, ordering: .relaxed) { withdraw() } }

    deinit { end() }
}

/// Numbers of a service since it opened, but for those that say "now".
public struct HTTPCounts: Sendable, Equatable {
    /// Connections now.
    public var connections = 0
    /// WebSockets now.
    public var sockets = 0
    /// Connections that came, refused ones too.
    public var connectionsMade = 0
    /// Connections that were closed at once, since too many were open.
    public var connectionsRefused = 0
    /// Connections that were closed since they sent too slowly, or nothing.
    public var connectionsTimedOut = 0
    /// Requests whose head could be read.
    public var requests = 0
    /// Requests that were no HTTP, or over a limit (400, 413, 414, 431, 501, 505).
    public var requestsMalformed = 0
    /// Requests without the token (401).
    public var requestsUnauthorized = 0
    /// Requests over the number that one address has (429).
    public var requestsLimited = 0
    /// Requests that their owner's inbox did not take (503).
    public var requestsUntaken = 0
    /// Requests that their owner did not answer in time (504).
    public var requestsUnanswered = 0
    /// Answers that go on now.
    public var streams = 0
    /// Answers that were cut off since the other end does not read.
    public var streamsStuck = 0
    /// WebSockets that were closed since the other end does not read.
    public var socketsStuck = 0
    /// WebSockets that were closed since their owner's inbox did not take a message.
    public var socketsUntaken = 0

    /// All 0.
    public init() {}
}
