import HTTP
import Sluice

/// The WebSocket of one connection: frames in, frames out, ping and pong. On the service's thread; pure but for what it
/// posts.
final class SocketSession {
    enum Times {
        /// Silence after which it asks whether somebody is there, and after which nobody is.
        static let ping = Interval.seconds(20)
        static let hangUp = Interval.seconds(40)
        /// The other end's close frame, after ours.
        static let closing = Interval.seconds(2)
    }

    let lease: UInt64
    /// The owner has heard that it is open.
    private(set) var isTaken = false
    /// Nothing more is read or written; the connection ends.
    private(set) var isOver = false
    private let socket: WebSocket
    private let queue: SocketQueue
    private let desk: Desk
    private unowned let line: any ConversationLine
    private let post: @Sendable (WebSocketEvent) -> Bool
    private var reader = WebSocketReader()
    private var heard: Instant
    private var isAsking = false
    /// Frames of the protocol, before messages.
    private var urgent: [[UInt8]] = []
    /// Our close frame has gone out, and the other end's is waited for until then.
    private var closingUntil: Instant?
    private var isEnded = false
    /// Bytes of the other end have no meaning any more.
    private var isBroken = false

    init(
        _ request: HTTPRequest, subprotocol: String?, lease: UInt64, desk: Desk, line: any ConversationLine,
        post: @escaping @Sendable (WebSocketEvent) -> Bool, now: Instant, wake: @escaping @Sendable () -> Void
    ) {
        (self.lease, self.desk, self.line, self.post, heard) = (lease, desk, line, post, now)
        let queue = SocketQueue(wake: wake)
        self.queue = queue
        socket = WebSocket(
            request, subprotocol: subprotocol, deliver: { queue.put($0) }, end: { queue.end($0, $1) })
        isTaken = post(.opened(socket))
        if isTaken {
            desk.count(\.sockets)
        } else {
            (isEnded, isOver) = (true, true)
        }
    }

    /// When `tick` is due.
    var wake: Instant { closingUntil ?? heard + (isAsking ? Times.hangUp : Times.ping) }

    func tick(_ now: Instant) {
        if let closingUntil {
            if now >= closingUntil { isOver = true }
        } else if now - heard >= Times.hangUp {
            end(1_006, "it said nothing for \(Int(Times.hangUp.seconds)) s")
            isOver = true
        } else if now - heard >= Times.ping, !isAsking {
            isAsking = true
            urgent.append(WebSocketWriter.ping())
        }
    }

    func receive(_ bytes: [UInt8], now: Instant) {
        if isBroken { return }
        (heard, isAsking) = (now, false)
        var rest = bytes[...]
        do {
            while !isOver, let event = try reader.next(&rest) { take(event, now) }
        } catch {
            let fault = error as? WebSocketReader.Fault ?? WebSocketReader.Fault(code: 1_011, reason: "")
            desk.count(\.requestsMalformed)
            isBroken = true
            close(fault.code, fault.reason, now)
        }
    }

    private func take(_ event: WebSocketReader.Event, _ now: Instant) {
        switch event {
        case .text(let text):
            guard closingUntil == nil else { return }
            guard !post(.text(socket, text)) else { return }
            desk.count(\.socketsUntaken)
            close(1_013, "too much is said just now", now)
        case .ping(let bytes):
            // The latest one may stand for all that wait (section 5.5.3).
            if urgent.count < 4 { urgent.append(WebSocketWriter.pong(bytes)) }
        case .pong: return
        case .close(let code, let reason):
            if closingUntil == nil { urgent.append(WebSocketWriter.close(code, "")) }
            end(code, reason)
            closingUntil = now
        }
    }

    /// Says it to the other end and to the owner.
    private func close(_ code: Int, _ reason: String, _ now: Instant) {
        guard closingUntil == nil else { return }
        urgent.append(WebSocketWriter.close(code, reason))
        closingUntil = now + Times.closing
        end(code, reason)
    }

    /// Its route is gone.
    func goAway() { queue.end(1_001, "the service ends") }

    /// The next frame to write; nil where none waits.
    func next(_ now: Instant) -> [UInt8]? {
        if !urgent.isEmpty { return urgent.removeFirst() }
        guard closingUntil == nil, !isOver else {
            if let closingUntil, now >= closingUntil { isOver = true }
            return nil
        }
        switch queue.take() {
        case .text(let text): return WebSocketWriter.text(text)
        case .close(let code, let reason):
            closingUntil = now + Times.closing
            end(code, reason)
            return WebSocketWriter.close(code, reason)
        case nil: return nil
        }
    }

    /// More waits than may: the other end does not read. The owner hears it.
    var isStuck: Bool {
        guard !isEnded, queue.isStuck else { return false }
        desk.count(\.socketsStuck)
        end(1_008, "it does not read: \(SocketQueue.most) messages waited")
        return true
    }

    /// The owner hears it, once.
    func end(_ code: Int, _ reason: String) {
        guard !isEnded else { return }
        isEnded = true
        desk.count(\.sockets, -1)
        socket.markClosed()
        queue.close()
        let event = WebSocketEvent.closed(socket, code: code, reason: reason)
        if !post(event) { line.keep(event, for: post) }
    }
}
