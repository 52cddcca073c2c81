import Synchronization

/// A request that waits for its answer. It travels as a message to the node that answers; whoever holds it last without
/// having answered has it answered with 503.
public final class HTTPExchange: Sendable {
    /// The request.
    public let request: HTTPRequest
    private let isAnswered = Atomic<Bool>(false)
    private let reply: @Sendable (HTTPResponse) -> Void

    /// `reply` is called once, on the thread that answers. Tests give their own.
    public init(_ request: HTTPRequest, reply: @escaping @Sendable (HTTPResponse) -> Void) {
        (self.request, self.reply) = (request, reply)
    }

    /// From any thread; never waits. False where it was answered before: the first answer counts. One that comes after
    /// the route's time, or after the other end has gone, is lost without harm.
    @discardableResult
    public func answer(_ response: HTTPResponse) -> Bool {
        guard !isAnswered.exchange(true, ordering: .acquiringAndReleasing) else {
            response.stream?.pieces.close()
            return false
        }
        reply(response)
        return true
    }

    deinit {
        answer(.refusal(503, "Nobody answers here any more.", headers: ["Retry-After": "1"]))
    }
}
