import HTTP
import Sluice

/// One connection: bytes and `now` in, bytes and the next wake-up out. It knows no socket and reads no clock. On the
/// service's thread.
///
/// Requests of a connection are answered one after the other. Bytes that come meanwhile wait here up to the size of a
/// head, then in the socket. A time stands behind each state, so that nobody can hold one for nothing.
final class Conversation {
    enum Times {
        /// A head, from its first byte; a body, whole; an answer's next bytes to be taken.
        static let head = Interval.seconds(10)
        static let body = Interval.seconds(15)
        static let writing = Interval.seconds(15)
        /// Until the next request.
        static let idle = Interval.seconds(30)
        /// Bytes that still come after a refusal are read over, lest the answer is lost with a reset.
        static let lingering = Interval.seconds(2)
        static let lingeringBytes = 262_144
        /// Output that waits, over which no next request is looked at: a page is larger than the words that ask for it.
        static let outputBytes = 65_536
    }

    private enum Phase {
        case head
        case body(Pending, BodyReader)
        case waiting(Waiting)
        case socket(SocketSession)
        case stream(StreamedAnswer)
        case lingering(bytes: Int)
        /// It ends when its output has gone.
        case over
    }

    private struct Pending {
        let route: HTTPRoute
        var request: HTTPRequest
        let post: @Sendable (HTTPExchange) -> Bool
        let head: RequestHead
    }

    private struct Waiting {
        let sequence: UInt64
        let route: HTTPRoute
        let head: RequestHead
    }

    let id: UInt64
    let peer: Peer
    private let desk: Desk
    /// It has the conversation.
    private unowned let line: any ConversationLine
    private var phase = Phase.head
    private var input: [UInt8] = []
    private var searched = 0
    private var sequence: UInt64 = 0
    private var output: [UInt8] = []
    private var written = 0
    private var deadline: Instant
    private var writingDeadline = Instant.distantFuture
    /// It is to be closed at once, whatever waits to be written.
    private(set) var isAborted = false

    init(id: UInt64, peer: Peer, desk: Desk, line: any ConversationLine, now: Instant) {
        (self.id, self.peer, self.desk, self.line) = (id, peer, desk, line)
        deadline = now + Times.head
    }

    // MARK: For the transport

    /// Bytes that may be written now, `most` at most.
    func nextOutput(_ most: Int) -> ArraySlice<UInt8> { output[written..<min(output.count, written + most)] }
    var hasOutput: Bool { written < output.count }
    /// It ends, and all its output has been given out.
    var isOver: Bool {
        if case .over = phase { return !hasOutput }
        return false
    }
    var wantsInput: Bool {
        switch phase {
        case .waiting, .stream: input.count < RequestHead.most
        case .head: !isFull
        default: true
        }
    }
    private var isFull: Bool { output.count - written > Times.outputBytes }
    /// When `tick` is due.
    var wake: Instant { min(deadline, writingDeadline) }
    /// The lease whose WebSocket it is.
    var lease: UInt64? {
        if case .socket(let session) = phase { return session.lease }
        return nil
    }
    var isSocket: Bool { lease != nil }

    func didWrite(_ count: Int, now: Instant) {
        written += count
        writingDeadline = now + Times.writing
        if written == output.count { (output, written) = ([], 0) }
    }

    /// Everything that was given out has left for the other end.
    func drained(now: Instant) {
        if !hasOutput { writingDeadline = .distantFuture }
        switch phase {
        case .socket(let session): pump(session, now)
        case .stream(let answer): pump(answer, now)
        case .head: if !isFull, !input.isEmpty { step(now) }
        default: return
        }
    }

    func receive(_ bytes: UnsafeRawBufferPointer, now: Instant) {
        switch phase {
        case .over: return
        case .lingering(let count):
            phase = count + bytes.count > Times.lingeringBytes ? .over : .lingering(bytes: count + bytes.count)
            return
        case .head: if input.isEmpty { deadline = min(deadline, now + Times.head) }
        default: break
        }
        input += bytes
        step(now)
    }

    /// A time is over.
    func tick(_ now: Instant) {
        if now >= writingDeadline {
            desk.count(\.connectionsTimedOut)
            return abort()
        }
        guard now >= deadline else { return }
        switch phase {
        case .head where hasOutput: deadline = now + Times.idle
        case .head:
            // Half a head is worth a word; a connection that waits for its next request is not.
            if !input.isEmpty {
                refuse(HTTPFault(408, "The head did not come within \(Int(Times.head.seconds)) s."), nil, now)
            } else {
                phase = .over
            }
            desk.count(\.connectionsTimedOut)
        case .body(let pending, _):
            desk.count(\.connectionsTimedOut)
            refuse(HTTPFault(408, "The body did not come within \(Int(Times.body.seconds)) s."), pending, now)
        case .waiting(let waiting):
            desk.count(\.requestsUnanswered)
            finish(waiting, .refusal(504, "No answer came in time."), now)
        case .socket(let session):
            session.tick(now)
            pump(session, now)
        case .stream: return
        case .lingering: phase = .over
        case .over: abort()
        }
    }

    private func abort() {
        isAborted = true
        (output, written) = ([], 0)
        leave()
        (deadline, writingDeadline) = (.distantFuture, .distantFuture)
    }

    /// The answer to the exchange of that number, from another thread.
    func answer(_ sequence: UInt64, _ response: HTTPResponse, now: Instant) {
        guard case .waiting(let waiting) = phase, waiting.sequence == sequence else {
            response.stream?.pieces.close()
            return
        }
        finish(waiting, response, now)
        step(now)
    }

    /// Something waits to be written to its WebSocket, or behind its answer.
    func wakeSocket(now: Instant) {
        switch phase {
        case .socket(let session): pump(session, now)
        case .stream(let answer): pump(answer, now)
        default: return
        }
    }

    /// Its route is gone, or the service ends.
    func endSocket(now: Instant) {
        guard case .socket(let session) = phase else { return }
        session.goAway()
        pump(session, now)
    }

    /// The transport has closed it.
    func closed() { leave() }

    /// The one who talks through it hears that it is over.
    private func leave() {
        switch phase {
        case .socket(let session): session.end(1_006, "")
        case .stream(let answer): answer.close()
        default: break
        }
        phase = .over
    }

    /// The service ends: what waits for an answer gets one.
    func shutDown(now: Instant) {
        switch phase {
        case .waiting(let waiting):
            finish(waiting, .refusal(503, "The service ends.", headers: ["Retry-After": "1"]), now)
            phase = .over
        case .socket: endSocket(now: now)
        case .stream: leave()
        default: phase = .over
        }
    }

    // MARK: Requests

    /// Goes on with what has come until that is used up, or an answer is waited for.
    private func step(_ now: Instant) {
        while true {
            do {
                switch phase {
                case .head: guard !isFull, try takeHead(now) else { return }
                case .body(let pending, var reader):
                    var rest = input[...]
                    phase = .over
                    defer { input = Array(rest) }
                    do { try reader.take(&rest) } catch {
                        refuse(error as? HTTPFault, pending, now)
                        return
                    }
                    guard reader.isDone else {
                        phase = .body(pending, reader)
                        return
                    }
                    var whole = pending
                    whole.request.body = reader.body
                    handOver(whole, now)
                case .socket(let session):
                    let bytes = input
                    input = []
                    session.receive(bytes, now: now)
                    pump(session, now)
                    return
                case .waiting, .stream, .lingering, .over: return
                }
            } catch {
                refuse(error as? HTTPFault, nil, now)
                return
            }
        }
    }

    /// False where the head is not whole.
    private func takeHead(_ now: Instant) throws -> Bool {
        // Empty lines before a request are read over (RFC 9112, section 2.2).
        let first = input.firstIndex { $0 != 0x0d && $0 != 0x0a } ?? input.count
        if first > 0 { input.removeFirst(first) }
        guard let count = try RequestHead.end(in: input[...], searched: searched) else {
            searched = input.count
            return false
        }
        searched = 0
        let head = try RequestHead(input[..<count])
        input.removeFirst(count)
        switch try desk.admit(head, from: peer, now: now) {
        case .answer(let response):
            let closes = head.closes || head.body != .none
            send(response, head, closes: closes, now)
            if head.body != .none, closes { linger(now) }
        case .exchange(let route, let request, let post):
            let pending = Pending(route: route, request: request, post: post, head: head)
            let reader: BodyReader
            do { reader = try BodyReader(head.body, limit: route.bodyLimit) } catch {
                refuse(error as? HTTPFault, pending, now)
                return true
            }
            if reader.isDone {
                handOver(pending, now)
            } else {
                if head.expectsContinue, input.isEmpty { output += ResponseWriter.goOn }
                deadline = now + Times.body
                phase = .body(pending, reader)
            }
        case .socket(let request, let subprotocol, let lease, let post):
            open(request, subprotocol, lease, head, post, now)
        }
        return true
    }

    private func handOver(_ pending: Pending, _ now: Instant) {
        sequence += 1
        let (number, id) = (sequence, id)
        let waiting = Waiting(sequence: number, route: pending.route, head: pending.head)
        phase = .waiting(waiting)
        deadline = now + pending.route.answersWithin
        let exchange = HTTPExchange(pending.request) { [weak line] in line?.answer(id, number, $0) }
        guard !pending.post(exchange) else { return }
        desk.count(\.requestsUntaken)
        finish(waiting, .refusal(503, "Too much is asked just now.", headers: ["Retry-After": "1"]), now)
    }

    private func finish(_ waiting: Waiting, _ response: HTTPResponse, _ now: Instant) {
        var response = response
        for field in Sharing.fields(waiting.route, to: waiting.head.headers).fields
        where response.headers[field.name] == nil { response.headers.add(field.name, field.value) }
        if let pieces = response.stream?.pieces {
            if waiting.head.method != .head { return stream(response, pieces, waiting.head, now) }
            pieces.close()
        }
        send(response, waiting.head, closes: waiting.head.closes, now)
    }

    private func stream(_ response: HTTPResponse, _ pieces: HTTPStream.Pieces, _ head: RequestHead, _ now: Instant) {
        let answer = StreamedAnswer(pieces, to: head, desk: desk)
        output += answer.begin(response, date: line.date)
        writingDeadline = min(writingDeadline, now + Times.writing)
        (phase, deadline) = (.stream(answer), .distantFuture)
        pieces.attach { [weak line, id] in line?.wakeSocket(id) }
        pump(answer, now)
    }

    /// One piece at a time goes into the output.
    private func pump(_ answer: StreamedAnswer, _ now: Instant) {
        if answer.isStuck { return abort() }
        while !hasOutput, let bytes = answer.next() {
            output += bytes
            writingDeadline = now + Times.writing
        }
        guard answer.isOver else { return }
        (phase, deadline) = (answer.closes ? .over : .head, now + Times.idle)
        if !answer.closes, !hasOutput, !input.isEmpty { step(now) }
    }

    private func send(_ response: HTTPResponse, _ head: RequestHead, closes: Bool, _ now: Instant) {
        output += ResponseWriter.bytes(
            response, date: line.date, omitsBody: head.method == .head, closes: closes)
        writingDeadline = min(writingDeadline, now + Times.writing)
        deadline = now + Times.idle
        phase = closes ? .over : .head
    }

    /// The connection ends with it.
    private func refuse(_ fault: HTTPFault?, _ pending: Pending?, _ now: Instant) {
        let fault = fault ?? HTTPFault(500, "The service failed.")
        desk.count(\.requestsMalformed)
        var response = fault.response
        if let pending {
            for field in Sharing.fields(pending.route, to: pending.head.headers).fields {
                response.headers.add(field.name, field.value)
            }
        }
        output += ResponseWriter.bytes(
            response, date: line.date, omitsBody: pending?.head.method == .head, closes: true)
        writingDeadline = min(writingDeadline, now + Times.writing)
        linger(now)
    }

    private func linger(_ now: Instant) {
        input = []
        phase = .lingering(bytes: 0)
        deadline = now + Times.lingering
    }

    // MARK: WebSockets

    private func open(
        _ request: HTTPRequest, _ subprotocol: String?, _ lease: UInt64, _ head: RequestHead,
        _ post: @escaping @Sendable (WebSocketEvent) -> Bool, _ now: Instant
    ) {
        let id = id
        let session = SocketSession(
            request, subprotocol: subprotocol, lease: lease, desk: desk, line: line, post: post, now: now
        ) { [weak line] in line?.wakeSocket(id) }
        guard session.isTaken else {
            desk.count(\.requestsUntaken)
            return send(
                .refusal(503, "Too much is asked just now.", headers: ["Retry-After": "1"]), head, closes: true, now)
        }
        output += ResponseWriter.switching(
            accept: WebSocketWriter.accept(head.headers["Sec-WebSocket-Key"] ?? ""), subprotocol: subprotocol)
        phase = .socket(session)
        deadline = session.wake
    }

    /// One message at a time goes from the socket's queue into the output.
    private func pump(_ session: SocketSession, _ now: Instant) {
        if session.isStuck { return abort() }
        while !hasOutput, let bytes = session.next(now) {
            output += bytes
            writingDeadline = now + Times.writing
        }
        deadline = session.wake
        if session.isOver { phase = .over }
    }
}
