import Glibc
import HTTP
import HTTPClient
import Net
import Sluice
import WebSocketClient

/// A provider on a WebSocket: does what its `StreamSession` says, and tells that what comes. One lane only.
final class NetworkProvider: SpeechProvider {
    /// Whom tokens are asked for.
    struct Client {
        var url: String
        var id: String
        var secret: String
        var key: String { "\(url) \(id)" }
    }

    private struct Message: Sendable {
        var connection: Int
        var event: WebSocketCall.Event
    }

    /// Utterances that may wait for their finals before a file waits.
    private static let pending = 8

    let name: String
    private let context: NodeContext
    private let client: Client?
    private let inbox: NodeContext.Inbox<Message>
    private let counts: ProviderMetrics
    /// Connections that are kept for the next stream.
    private let warm: Int
    private var session: StreamSession
    private var call: WebSocketCall?
    private var connection = 0
    private var lookup: NodeContext.Answer<[String]>?
    private var request: (target: WebSocketAddress, fields: HTTPHeaders)?
    private var address = ""
    private var warmKey = ""
    /// One address of a host after the other is tried.
    private var attempts = 0
    private var token: NodeContext.Answer<HTTPCall.Answer>?
    private var events: [ProviderEvent] = []
    private var now = Instant(nanoseconds: 0)
    private var waiting = 0
    private var toldSamples = 0

    init(_ wire: any SpeechWire, client: Client? = nil, warm: Int = 0, _ context: NodeContext) {
        (name, self.context, self.client) = (wire.name, context, client)
        counts = ProviderMetrics(name, context)
        self.warm = warm
        inbox = context.inbox(of: Message.self, capacity: 1_024)
        session = StreamSession(wire) { Double.random(in: 0...1) }
    }

    // MARK: As a provider

    var hasRoom: Bool { session.isOpen && waiting < NetworkProvider.pending }
    var isReady: Bool { session.isOpen }
    var isRemote: Bool { true }
    var metrics: ProviderMetrics? { counts }
    /// Its own ends of utterances, and those that the graph asks for, are enough.
    var longest: Int { .max }
    var wake: Instant { session.next }

    func begin(_ utterance: Int) {
        session.begin(utterance)
        settle()
    }

    func hear(_ samples: ArraySlice<Float>) { hear(samples.map(PCM.number)[...], speech: 0) }

    func hear(_ samples: ArraySlice<Int16>, speech: Int) {
        session.hear(samples, speech: speech, now)
        settle()
    }

    func finalize() {
        if session.isOpen { waiting += 1 }
        session.finalize(now)
        settle()
    }

    func start(_ now: Instant) {
        self.now = now
        session.start(now)
        settle()
    }

    func stop() {
        session.stop()
        settle()
    }

    func leave(_ now: Instant) {
        self.now = now
        session.leave(now)
        settle()
    }

    func tick(_ now: Instant) {
        self.now = now
        if let answer = token?.take() { take(answer) }
        if let answer = lookup?.take() { connect(answer) }
        while let message = inbox.next() { if message.connection == connection { take(message.event) } }
        session.tick(now)
        settle()
    }

    func next() -> ProviderEvent? { events.isEmpty ? nil : events.removeFirst() }

    func close() {
        call?.abort()
        call = nil
        connection += 1
    }

    // MARK: Commands of the session

    private func settle() {
        while true {
            let commands = session.takeCommands()
            for command in commands { execute(command) }
            guard !commands.isEmpty else { break }
        }
        counts.sent(session.sentSamples - toldSamples)
        toldSamples = session.sentSamples
        for event in session.takeEvents() {
            switch event {
            case .opened(let after):
                waiting = 0
                counts.opened(after)
                events.append(.opened(after))
            case .partial(let key, let written): events.append(.partial(key, written))
            case .text(let key, let written): events.append(.text(key, written))
            case .over(let key):
                waiting = max(0, waiting - 1)
                events.append(.over(key))
            case .failed(let why, let isBarren):
                counts.lost(isBarren: isBarren)
                events.append(.lost(why, isBarren: isBarren))
            case .said(let sentence): events.append(.said(sentence))
            }
        }
    }

    private func execute(_ command: StreamSession.Command) {
        switch command {
        case .askToken(let isRenewal): askToken(isRenewal: isRenewal)
        case .connect(let request): connect(request)
        case .send(.text(let text)): deliver { $0.send(text) }
        case .send(.bytes(let bytes)): deliver { $0.send(bytes) }
        case .ping: call?.ping()
        case .hangUp:
            call?.abort()
            (call, token, lookup) = (nil, nil, nil)
            connection += 1
        }
    }

    private func deliver(_ send: (WebSocketCall) -> Bool) {
        if let call, !send(call) { session.closed("does not take audio as fast as it comes", isClean: false, now) }
    }

    private func askToken(isRenewal: Bool) {
        guard let client else { return }
        if isRenewal { TokenDesk.forget(client.key) }
        if let known = TokenDesk.token(client.key, at: Double(time(nil))) { return session.took(token: known, now) }
        let call = ProviderToken.call(client.url, id: client.id, secret: client.secret)
        token = context.ask { try call.perform() }
    }

    private func take(_ answer: Result<HTTPCall.Answer, any Error>) {
        token = nil
        guard let client else { return }
        do {
            let token = try ProviderToken(try answer.get())
            TokenDesk.keep(token, client.key)
            session.took(token: token.text, now)
        } catch let refusal as ProviderToken.Refusal {
            session.tokenFailed(refusal.why, retryAfter: refusal.retryAfter, now)
        } catch {
            session.tokenFailed("gives no token: it cannot be reached", retryAfter: nil, now)
        }
    }

    private func connect(_ request: WireRequest) {
        connection += 1
        guard let target = WebSocketAddress(request.url) else { return }
        var fields = HTTPHeaders()
        for field in request.fields { fields.add(field.name, field.value) }
        self.request = (target, fields)
        warmKey = "\(request.url) \(client?.key ?? fields.fields.map(\.value).joined())"
        if warm > 0, let ready = WarmLines.shared.take(warmKey, deliver: deliver()) {
            call = ready
            session.opened(now)
            return keepWarm()
        }
        if let known = SocketAddress(numeric: target.host, port: target.port) { return open(known.parts.host) }
        let (host, port) = (target.host, target.port)
        lookup = context.ask { try SocketAddress.findAll(host, port: port).map(\.parts.host) }
    }

    private func connect(_ answer: Result<[String], any Error>) {
        lookup = nil
        guard case .success(let found) = answer, !found.isEmpty else {
            return session.closed("cannot be found by its name", isClean: false, now)
        }
        attempts += 1
        open(found[(attempts - 1) % found.count])
    }

    private func open(_ address: String) {
        guard let request else { return }
        self.address = address
        do {
            call = try WebSocketCall(
                request.target, address: address, fields: request.fields, deliver: deliver())
        } catch {
            session.closed("cannot be connected to", isClean: false, now)
        }
    }

    /// For the events of the present connection.
    private func deliver() -> WarmLines.Deliver {
        { [inbox, connection] event in inbox.post(Message(connection: connection, event: event)) }
    }

    private func keepWarm() {
        guard warm > 0, let request else { return }
        let (target, fields, address) = (request.target, request.fields, address)
        var sign: WebSocketCall.Sign?
        // Silence would count on the next stream's clock.
        if case .message(.text(let text), let every) = session.keepAlive { sign = .init(text, every: .seconds(every)) }
        WarmLines.shared.keep(warm, warmKey) { [sign] deliver in
            try WebSocketCall(target, address: address, fields: fields, sign: sign, deliver: deliver)
        }
    }

    private func take(_ event: WebSocketCall.Event) {
        switch event {
        case .opened:
            session.opened(now)
            keepWarm()
        case .text(let text): session.received(text, now)
        case .pong: session.heardPong()
        case .refused(let status, let retryAfter):
            session.refused(status: status, retryAfter: RetryAfter.read(retryAfter), now)
        case .closed(let reason, let isClean): session.closed(reason, isClean: isClean, now)
        }
        settle()
    }
}
