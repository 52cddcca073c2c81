import Sluice

/// One provider on a WebSocket, from the token to the last final: messages and `now` in, commands, events and the next
/// wake-up out. Pure.
///
/// It connects for ever, and after each connection asks for the audio that has no final (`opened`). Audio that
/// comes meanwhile is not kept here.
struct StreamSession {
    enum Command: Equatable {
        /// Answered by `took(token:)` or `tokenFailed`. A renewal asks the provider whatever is kept.
        case askToken(isRenewal: Bool)
        case connect(WireRequest)
        case send(WireMessage)
        case ping
        /// Closes, also what is still being opened.
        case hangUp
    }

    enum Event: Equatable {
        /// A new connection: what has no final is wanted from its beginning.
        case opened(after: Interval)
        case partial(Int, Written)
        /// A final text. The utterance may go on.
        case text(Int, Written)
        /// Nothing more comes of it.
        case over(Int)
        /// A sentence's middle. `isBarren` where the connection brought no word.
        case failed(String, isBarren: Bool)
        case said(String)
    }

    private enum Phase: Equatable {
        case idle
        case waiting(until: Instant)
        case token(until: Instant)
        case connecting(since: Instant)
        case open
        case leaving
        case over
    }

    /// In samples: 20 to 100 ms.
    static let leastChunk = 320
    static let mostChunk = 1_600
    static let handshake = Interval.seconds(5)
    static let tokenPatience = Interval.seconds(10)

    private let original: any SpeechWire
    private var wire: any SpeechWire
    private let chance: () -> Double
    private var phase = Phase.idle
    private var backoff = Backoff()
    private var watch = LineWatch()
    private var clock = ConnectionClock()
    private var places: ProviderTimes
    private var utterances: [SentUtterance] = []
    /// Those whose Finalize has left, the oldest first.
    private var asked: [Int] = []
    private var chunk: [Int16] = []
    private var chunkSpeech = 0
    private var lastAudio = Instant(nanoseconds: 0)
    private var hasBroughtWords = false
    private var hasRenewed = false
    private var began = Instant(nanoseconds: 0)
    private(set) var hasUnreadable = false

    private(set) var commands: [Command] = []
    private(set) var events: [Event] = []
    /// In samples, silence included.
    private(set) var sentSamples = 0

    /// `chance` gives numbers from 0 to 1.
    init(_ wire: any SpeechWire, chance: @escaping () -> Double) {
        (original, self.wire, self.chance) = (wire, wire, chance)
        places = ProviderTimes()
    }

    var name: String { wire.name }
    var isOpen: Bool { phase == .open }
    var isOver: Bool { phase == .over }
    var keepAlive: KeepAlive { wire.keepAlive }

    mutating func takeCommands() -> [Command] {
        defer { commands.removeAll(keepingCapacity: true) }
        return commands
    }

    mutating func takeEvents() -> [Event] {
        defer { events.removeAll(keepingCapacity: true) }
        return events
    }

    // MARK: Connecting

    /// Connects; nothing where it does already.
    mutating func start(_ now: Instant) {
        guard phase == .idle else { return }
        connect(now)
    }

    /// Ends without asking for anything more.
    mutating func stop() {
        if phase != .idle, phase != .over { commands.append(.hangUp) }
        phase = .idle
        clear()
    }

    private mutating func connect(_ now: Instant, isRenewal: Bool = false) {
        began = isRenewal ? began : now
        if wire.needsToken {
            phase = .token(until: now + StreamSession.tokenPatience)
            commands.append(.askToken(isRenewal: isRenewal))
        } else {
            handshake("", now)
        }
    }

    private mutating func handshake(_ token: String, _ now: Instant) {
        phase = .connecting(since: now)
        commands.append(.connect(wire.request(token: token)))
    }

    mutating func took(token: String, _ now: Instant) {
        if case .token = phase { handshake(token, now) }
    }

    /// `why` is the middle of a sentence without anything secret.
    mutating func tokenFailed(_ why: String, retryAfter: Interval?, _ now: Instant) {
        if case .token = phase { fail(why, now, retryAfter: retryAfter) }
    }

    mutating func opened(_ now: Instant) {
        guard case .connecting = phase else { return }
        clear()
        wire = original
        phase = .open
        (hasBroughtWords, hasRenewed) = (false, false)
        lastAudio = now
        watch.open(now)
        for message in wire.greeting { commands.append(.send(message)) }
        events.append(.opened(after: now - began))
    }

    /// The handshake got another answer than 101.
    mutating func refused(status: Int, retryAfter: Interval?, _ now: Instant) {
        guard case .connecting = phase else { return }
        if status == 401, wire.needsToken, !hasRenewed {
            // The token may have been taken back before its time.
            hasRenewed = true
            return connect(now, isRenewal: true)
        }
        let why =
            switch status {
            case 401, 403: "refuses the credentials (\(status))"
            case 429: "has too many streams (429)"
            default: "refuses the stream (\(status))"
            }
        fail(why, now, retryAfter: retryAfter)
    }

    /// The connection is gone, or did not come about. `why` is the middle of a sentence. `isClean` where the provider
    /// has closed it by a close frame.
    mutating func closed(_ why: String, isClean: Bool, _ now: Instant) {
        switch phase {
        case .open, .connecting: fail(why, now)
        case .leaving: if isClean || !utterances.contains(where: \.isUnwritten) { endAll() } else { fail(why, now) }
        default: return
        }
    }

    private mutating func fail(_ why: String, _ now: Instant, retryAfter: Interval? = nil) {
        switch phase {
        case .open, .leaving, .connecting: commands.append(.hangUp)
        default: break
        }
        if hasBroughtWords { backoff.reset() }
        events.append(.failed(why, isBarren: !hasBroughtWords))
        hasBroughtWords = false
        phase = .waiting(until: now + backoff.next(chance: chance(), wish: retryAfter))
        clear()
    }

    private mutating func clear() {
        (clock, places, utterances, asked) = (ConnectionClock(), ProviderTimes(), [], [])
        (chunk, chunkSpeech) = ([], 0)
    }

    // MARK: Audio

    /// The audio of an utterance comes next. Times of its texts count from here.
    mutating func begin(_ utterance: Int) {
        guard isOpen else { return }
        flush(nil)
        clock.begin(utterance)
        utterances.append(SentUtterance(key: utterance, from: clock.seconds))
        // Nobody answers: the watch ends the connection before there are so many.
        if utterances.count > 256 { utterances.removeFirst() }
    }

    /// Samples of the utterance that began last, of which so many are speech.
    mutating func hear(_ samples: ArraySlice<Int16>, speech: Int, _ now: Instant) {
        guard isOpen, !utterances.isEmpty else { return }
        chunk.append(contentsOf: samples)
        chunkSpeech += speech
        if chunk.count >= StreamSession.leastChunk { flush(now) }
    }

    /// Sends what has come together.
    private mutating func flush(_ now: Instant?) {
        guard !chunk.isEmpty else { return }
        let now = now ?? lastAudio
        for start in stride(from: 0, to: chunk.count, by: StreamSession.mostChunk) {
            send(chunk[start..<min(chunk.count, start + StreamSession.mostChunk)])
        }
        clock.send(chunk.count)
        watch.sent(chunk.count, speech: chunkSpeech, now)
        if chunkSpeech > 0 {
            let start = clock.seconds - Double(chunkSpeech) / ConnectionClock.rate
            utterances[utterances.count - 1].heardSpeech(start...clock.seconds)
        }
        (lastAudio, chunkSpeech) = (now, 0)
        chunk.removeAll(keepingCapacity: true)
    }

    private mutating func send(_ samples: ArraySlice<Int16>) {
        sentSamples += samples.count
        commands.append(.send(.bytes(wire.message(samples))))
        wire.sent(isFinalize: false)
    }

    /// The utterance that began last is over.
    mutating func finalize(_ now: Instant) {
        guard isOpen, let last = utterances.last, last.ended == nil else { return }
        flush(now)
        wire.sent(isFinalize: true)
        commands.append(.send(wire.finalize))
        utterances[utterances.count - 1].end(now, at: clock.seconds)
        asked.append(last.key)
        if asked.count > 256 { asked.removeFirst() }
    }

    /// Nothing more is heard: the last finals are wanted, and the provider closes behind them.
    mutating func leave(_ now: Instant) {
        guard isOpen else {
            stop()
            phase = .over
            return
        }
        flush(now)
        commands.append(.send(wire.farewell))
        wire.sent(isFinalize: true)
        commands.append(.ping)
        watch.leave(now)
        phase = .leaving
    }

    private mutating func endAll() {
        for utterance in utterances { events.append(.over(utterance.key)) }
        utterances = []
        phase = .over
        commands.append(.hangUp)
    }

    // MARK: Replies

    mutating func received(_ text: String, _ now: Instant) {
        guard isOpen || phase == .leaving else { return }
        watch.heardSomething()
        var last: Int?
        for reply in wire.read(text) {
            switch reply {
            case .result(let result): last = take(result, now) ?? last
            case .finalized: finalized(upTo: last)
            case .error(let code):
                let why = code.isEmpty ? "says that it failed" : "says that it failed (\(code))"
                if phase == .leaving { return endAll() }
                return fail(why, now)
            case .unreadable:
                if !hasUnreadable { events.append(.said("\(name) sent a message of no known form; such are left out")) }
                hasUnreadable = true
            case .other: break
            }
        }
    }

    mutating func heardPong() { watch.heardSomething() }

    /// The utterance that it is of.
    private mutating func take(_ result: WireResult, _ now: Instant) -> Int? {
        if !result.words.isEmpty {
            watch.heardWords(now)
            hasBroughtWords = true
        }
        guard let placed = places.place(result, clock, utterances) else { return nil }
        switch placed.oddity {
        case .anew: events.append(.said("\(name) counts its times anew after a final; they are put in place"))
        case .impossible:
            events.append(
                .said("\(name) tells times at which nothing was said; its texts are put where speech was heard"))
        case nil: break
        }
        let key = placed.utterance
        guard result.isFinal else {
            if !placed.written.words.isEmpty { events.append(.partial(key, placed.written)) }
            return key
        }
        events.append(.text(key, placed.written))
        if let index = utterances.firstIndex(where: { $0.key == key }),
            utterances[index].take(final: placed.end, now)
        {
            close(at: index)
        }
        return key
    }

    /// The answer to a Finalize: the oldest, or the one of the utterance whose text came with it.
    private mutating func finalized(upTo key: Int?) {
        guard !asked.isEmpty else { return }
        let count = key.flatMap { asked.firstIndex(of: $0) }.map { $0 + 1 } ?? 1
        for key in asked.prefix(count) {
            if let index = utterances.firstIndex(where: { $0.key == key }) { close(at: index) }
        }
        asked.removeFirst(count)
    }

    private mutating func close(at index: Int) {
        events.append(.over(utterances[index].key))
        places.closed(utterances[index])
        utterances.remove(at: index)
        if utterances.allSatisfy({ !$0.isUnwritten }) { watch.isSettled() }
    }

    // MARK: Time

    var next: Instant {
        switch phase {
        case .idle, .over: return .distantFuture
        case .waiting(let until), .token(let until): return until
        case .connecting(let since): return since + StreamSession.handshake
        case .open, .leaving:
            let due = utterances.compactMap(\.due).min() ?? .distantFuture
            return min(watch.next, due, phase == .open ? keepAliveDue ?? .distantFuture : .distantFuture)
        }
    }

    private var keepAliveDue: Instant? {
        switch wire.keepAlive {
        case .none: nil
        case .message(_, let every), .silence(let every): lastAudio + .seconds(every)
        }
    }

    mutating func tick(_ now: Instant) {
        switch phase {
        case .idle, .over: return
        case .waiting(let until): if now >= until { connect(now) }
        case .token(let until): if now >= until { fail("gives no token within 10 s", now) }
        case .connecting(let since):
            if now >= since + StreamSession.handshake { fail("does not answer the handshake within 5 s", now) }
        case .open, .leaving:
            closeDue(now)
            if isOpen, let due = keepAliveDue, now >= due { keep(now) }
            switch watch.tick(name, now) {
            case .ping: commands.append(.ping)
            case .dead(let why): fail(why, now)
            case nil: break
            }
        }
    }

    private mutating func closeDue(_ now: Instant) {
        while let index = utterances.firstIndex(where: { $0.due.map { now >= $0 } ?? false }) { close(at: index) }
    }

    private mutating func keep(_ now: Instant) {
        lastAudio = now
        switch wire.keepAlive {
        case .none: return
        case .message(let message, _): commands.append(.send(message))
        case .silence:
            send(ArraySlice(repeatElement(0, count: StreamSession.mostChunk)))
            clock.send(silence: StreamSession.mostChunk)
        }
    }
}
