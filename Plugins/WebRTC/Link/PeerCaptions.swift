import HTTP
import Sluice
import Synchronization

/// Texts for the page of one peer: as server-sent events, or by its WebSocket. The node that has them tells them, and
/// the node that takes viewers answers the page. From any thread.
final class PeerCaptions: Sendable {
    /// Pages of one peer that may read, and texts that are kept for one that comes later.
    private static let most = 4
    private static let kept = 16
    private static let pause = Interval.seconds(15)

    private struct State {
        var streams: [HTTPStream] = []
        var lines: [String] = []
        var isOver = false
        var quietUntil = Instant.distantFuture
        var send: (@Sendable (String) -> Void)?
    }

    private let state = Mutex(State())

    func tell(_ item: DataItem, now: Instant) {
        let line = "data: \(JSONValue(.object(item.fields)).line)\n\n"
        state.withLock { state in
            if let send = state.send { return send(SignalText.caption(item.fields)) }
            state.lines.append(line)
            if state.lines.count > PeerCaptions.kept { state.lines.removeFirst() }
            state.streams.removeAll { !$0.send(line) }
            state.quietUntil = now + PeerCaptions.pause
        }
    }

    /// The page has a WebSocket, by which messages go to it.
    func go(by send: @escaping @Sendable (String) -> Void) { state.withLock { $0.send = send } }

    /// Shows by a comment now and then whether the page is still there.
    func ask(now: Instant) {
        state.withLock { state in
            guard state.quietUntil <= now, !state.streams.isEmpty else { return }
            state.streams.removeAll { !$0.send(":\n\n") }
            state.quietUntil = now + PeerCaptions.pause
        }
    }

    /// The answer to a page.
    func response() -> HTTPResponse {
        state.withLock { state in
            state.streams.removeAll { !$0.isOpen }
            guard !state.isOver, state.streams.count < PeerCaptions.most else {
                return .refusal(503, "The session ends, or too many read it.", headers: ["Retry-After": "5"])
            }
            let stream = HTTPStream()
            state.streams.append(stream)
            var response = HTTPResponse(
                200, "text/event-stream; charset=utf-8", ":\n\n" + state.lines.joined(),
                headers: ["Cache-Control": "no-store"])
            response.stream = stream
            return response
        }
    }

    /// Nothing follows.
    func end() {
        let streams = state.withLock { state in
            defer { (state.streams, state.isOver) = ([], true) }
            return state.streams
        }
        for stream in streams { stream.end() }
    }
}
