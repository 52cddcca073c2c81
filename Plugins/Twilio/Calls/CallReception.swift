import HTTP
import Sluice

/// Takes calls and starts an instance of a template for each, which gets the call as its resource. On the node's lane.
final class CallReception {
    struct Settings {
        var template: String
        /// Of both routes: `/twilio`.
        var path: String
        var url: String
        var token: String
        var most: Int
        var jitter: Interval
    }

    /// Instances that end of their own accord are looked for.
    private static let look = Interval.seconds(1)
    /// Taken in one step: a start of an instance takes some 100 µs.
    private static let mostNews = 16

    private struct Guest {
        let call: TwilioCall
        var instance: NodeContext.Instance?
    }

    private let context: NodeContext
    private let settings: Settings
    private let desk: CallDesk
    private let voice: VoiceAnswer
    private let requests: NodeContext.Inbox<HTTPExchange>
    private var leases: [HTTPLease]
    private var guests: [ObjectIdentifier: Guest] = [:]
    private var refusals = RefusalWords()
    private let metrics: (taken: Metric.Counter, refused: Metric.Counter, ended: Metric.Counter)
    /// When `step` is due.
    private(set) var due = Instant.distantFuture

    init(_ settings: Settings, _ context: NodeContext) throws {
        (self.settings, self.context) = (settings, context)
        guard let http = try context.service((any HTTPService).self) else {
            throw NodeError(
                "there is no HTTP service, by which calls come", advice: "Install the plugin HTTP beside this one.",
                isInputError: true)
        }
        guard settings.path.hasPrefix("/"), !settings.path.hasSuffix("/"), !settings.path.contains("{") else {
            throw NodeError("path is \"\(settings.path)\"", advice: "Write /twilio, or another.", isInputError: true)
        }
        voice = VoiceAnswer(
            address: try PublicAddress(settings.url, service: http.address),
            signature: settings.token.isEmpty ? nil : RequestSignature(token: settings.token),
            streamPath: "\(settings.path)/stream")
        metrics = (
            context.counter("calls_taken"), context.counter("calls_refused"), context.counter("calls_ended")
        )
        desk = CallDesk(context, calls: settings.most, jitter: settings.jitter)
        requests = context.inbox(of: HTTPExchange.self, capacity: 4_096)
        var question = HTTPRoute(.post, .get, path: "\(settings.path)/voice")
        var stream = WebSocketRoute(path: "\(settings.path)/stream")
        // A request that is signed by the account needs no other proof.
        question.needsToken = settings.token.isEmpty
        stream.needsToken = settings.token.isEmpty
        let desk = desk
        leases = [
            try http.serve(question, to: requests, of: context.handle),
            try http.serve(stream, for: context.name) { desk.post($0) },
        ]
        if !context.isVirtual { context.runsUntilStopped() }
        context.log(.info, "calls come by \(http.address)\(settings.path)/voice")
    }

    /// The webhook is asked by those who wait to be connected: each of them is answered before the next call is looked
    /// at, and the others of the lane have their turn in between.
    func step(_ now: Instant) {
        var count = 0
        while true {
            while let exchange = requests.next() { answer(exchange, now) }
            guard count < CallReception.mostNews else {
                context.wakeAgain()
                break
            }
            guard let news = desk.next() else { break }
            count += 1
            switch news {
            case .opened(let call): open(call, now)
            case .said(let call): if guests[ObjectIdentifier(call)]?.instance == nil { read(call, now) }
            case .closed(let call): close(call)
            }
        }
        if due <= now { look(now) }
        if !guests.isEmpty { due = min(due, now + CallReception.look) }
    }

    func close() {
        for lease in leases { lease.end() }
        leases = []
    }

    private func answer(_ exchange: HTTPExchange, _ now: Instant) {
        switch voice.answer(exchange.request, hasRoom: guests.count < settings.most) {
        case .connect(let response): exchange.answer(response)
        case .busy(let response):
            refuse("\(settings.most) calls are under way, the most that max_calls allows", exchange.request.peer, now)
            exchange.answer(response)
        case .refuse(let response, let sentence):
            refuse(sentence, exchange.request.peer, now)
            exchange.answer(response)
        }
    }

    private func refuse(_ sentence: String, _ peer: String, _ now: Instant) {
        metrics.refused.add()
        if let line = refusals.line("\(peer) is refused: \(sentence)", now: now) { context.log(.warning, line) }
    }

    private func open(_ call: TwilioCall, _ now: Instant) {
        guard voice.isSigned(call.socket.request) else {
            call.socket.close(1_008, "X-Twilio-Signature does not sign this address with the auth token")
            return refuse(VoiceAnswer.unsigned, call.peer, now)
        }
        guard guests.count < settings.most else {
            let sentence = "\(settings.most) calls are under way, the most that max_calls allows"
            call.socket.close(1_013, sentence)
            return refuse(sentence, call.peer, now)
        }
        guests[ObjectIdentifier(call)] = Guest(call: call)
        read(call, now)
    }

    /// Until it has started, its words come here.
    private func read(_ call: TwilioCall, _ now: Instant) {
        guard guests[ObjectIdentifier(call)] != nil else { return }
        if let wake = call.read(now: now) { due = min(due, wake) }
        for sentence in call.takeTells() { refuse(sentence, call.peer, now) }
        guard let start = call.start else {
            if call.ending != nil { close(call) }
            return
        }
        metrics.taken.add()
        call.handOver()
        guests[ObjectIdentifier(call)]?.instance = context.start(
            settings.template, parameters: ["name": .string(start.call)], resource: call)
    }

    private func close(_ call: TwilioCall) {
        guard let guest = guests.removeValue(forKey: ObjectIdentifier(call)) else { return }
        // Its sources drain: what was heard is written to its end.
        guest.instance?.stop()
        if guest.instance != nil { metrics.ended.add() }
    }

    private func look(_ now: Instant) {
        due = .distantFuture
        for guest in Array(guests.values) {
            if guest.instance == nil {
                read(guest.call, now)
            } else if guest.instance?.isOver == true {
                guest.call.hangUp()
                close(guest.call)
            }
        }
    }
}
