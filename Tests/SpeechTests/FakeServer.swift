import Sluice

@testable import SpeechPlugin

/// A server of RTZR's kind in virtual time: it writes the words of what it gets, as numbers. Sample values say which
/// word is spoken when: a sample of word n is n, silence is 0.
struct FakeServer {
    /// Samples that this connection got, and those that belong to finals.
    private var samples: [Int16] = []
    private var done = 0
    private var sequence = 0
    /// Whether each final is told twice, times begin anew behind each, and they are told in ms of the utterance.
    var tellsTwice = false
    var countsAnew = false
    private var base = 0
    /// Times of finals run back by 5 s, of every other one, or of each from the third on.
    var runsBack: RunsBack?
    enum RunsBack { case everyOther, forGood }
    private var finals = 0

    mutating func take(_ bytes: [UInt8]) {
        for index in stride(from: 0, to: bytes.count - 1, by: 2) {
            samples.append(Int16(bitPattern: UInt16(bytes[index]) | UInt16(bytes[index + 1]) << 8))
        }
    }

    /// A reply with the words since the last final.
    mutating func reply(isFinal: Bool) -> [String] {
        var words: [(number: Int16, from: Int, to: Int)] = []
        for index in done..<samples.count where samples[index] != 0 {
            if let last = words.last, last.number == samples[index], last.to == index {
                words[words.count - 1].to = index + 1
            } else {
                words.append((samples[index], index, index + 1))
            }
        }
        guard let first = words.first, let last = words.last else { return [] }
        sequence += 1
        if isFinal { finals += 1 }
        let isBack = runsBack.map { $0 == .everyOther ? finals % 2 == 0 : finals > 2 } ?? false
        let back = isFinal && isBack ? 5_000 : 0
        func milliseconds(_ sample: Int) -> Int { max(0, (sample - base) / 16 - back) }
        let list = words.map {
            #"{"text":"w\#($0.number)","start_at":\#(milliseconds($0.from)),"duration":\#(($0.to - $0.from) / 16)}"#
        }
        let text = words.map { "w\($0.number)" }.joined(separator: " ")
        let start = milliseconds(first.from)
        let reply =
            #"{"seq":\#(sequence),"start_at":\#(start),"duration":\#(milliseconds(last.to) - start),"final":\#(isFinal),"alternatives":[{"text":"\#(text)","words":[\#(list.joined(separator: ","))]}]}"#
        if isFinal {
            done = samples.count
            if countsAnew { base = done }
        }
        return isFinal && tellsTwice ? [reply, reply] : [reply]
    }
}

/// A session, its server and the audio that is held, in virtual time.
final class FakeCall: SpeechProvider {
    let name = "rtzr"
    let hasRoom = true
    private(set) var session: StreamSession
    private(set) var server = FakeServer()
    private(set) var now = Instant(nanoseconds: 0)
    private var events: [ProviderEvent] = []
    /// Connections that came about.
    private(set) var connections = 0
    private(set) var messages: [WireMessage] = []
    private(set) var pings = 0
    /// The server takes what comes, and answers nothing; the next connection is a whole one.
    var isHalfOpen = false
    /// It takes no connection.
    var isDown = false
    var answersPings = true
    var tellsTwice = false
    var countsAnew = false
    var runsBack: FakeServer.RunsBack?
    private var isConnecting = false

    init(_ wire: any SpeechWire = RTZRWire(url: "https://host")) {
        session = StreamSession(wire) { 0.5 }
    }

    var isReady: Bool { session.isOpen }
    var isRemote: Bool { true }
    var longest: Int { .max }
    var wake: Instant { session.next }

    func start(_ now: Instant) { act(now) { $0.start(now) } }
    func stop() { act(now) { $0.stop() } }
    func tick(_ now: Instant) {
        act(now) { $0.tick(now) }
        if isConnecting {
            isConnecting = false
            if isDown {
                act(now) { $0.closed("cannot be connected to", isClean: false, now) }
            } else {
                server = FakeServer()
                (server.tellsTwice, server.countsAnew, server.runsBack) = (tellsTwice, countsAnew, runsBack)
                connections += 1
                isHalfOpen = false
                act(now) { $0.opened(now) }
            }
        }
    }
    func begin(_ utterance: Int) { act(now) { $0.begin(utterance) } }
    func hear(_ samples: ArraySlice<Float>) { hear(samples.map(PCM.number)[...], speech: 0) }
    func hear(_ samples: ArraySlice<Int16>, speech: Int) {
        let now = now
        act(now) { $0.hear(samples, speech: speech, now) }
    }
    func finalize() {
        let now = now
        act(now) { $0.finalize(now) }
    }
    func leave(_ now: Instant) { act(now) { $0.leave(now) } }
    func next() -> ProviderEvent? { events.isEmpty ? nil : events.removeFirst() }
    func close() {}

    /// The connection breaks.
    func cut() { act(now) { $0.closed("broke off the connection", isClean: false, $1) } }
    func receive(_ text: String) { act(now) { $0.received(text, $1) } }
    func refuse(_ status: Int, retryAfter: Interval? = nil) {
        isConnecting = false
        act(now) { $0.refused(status: status, retryAfter: retryAfter, $1) }
    }
    /// A partial of what goes on.
    func say() {
        if !isHalfOpen, session.isOpen { for reply in server.reply(isFinal: false) { receive(reply) } }
    }

    private func act(_ now: Instant, _ change: (inout StreamSession) -> Void) {
        act(now) { session, _ in change(&session) }
    }

    private func act(_ now: Instant, _ change: (inout StreamSession, Instant) -> Void) {
        self.now = now
        change(&session, now)
        for command in session.takeCommands() {
            switch command {
            case .askToken:
                session.took(token: "t", now)
                for case .connect in session.takeCommands() { isConnecting = true }
            case .connect: isConnecting = true
            case .send(let message): take(message)
            case .ping:
                pings += 1
                if answersPings, !isHalfOpen { session.heardPong() }
            case .hangUp: isConnecting = false
            }
        }
        for event in session.takeEvents() {
            switch event {
            case .opened(let after): events.append(.opened(after))
            case .partial(let key, let written): events.append(.partial(key, written))
            case .text(let key, let written): events.append(.text(key, written))
            case .over(let key): events.append(.over(key))
            case .failed(let why, let isBarren): events.append(.lost(why, isBarren: isBarren))
            case .said(let sentence): events.append(.said(sentence))
            }
        }
    }

    private func take(_ message: WireMessage) {
        messages.append(message)
        guard !isHalfOpen else { return }
        switch message {
        case .bytes(let bytes): server.take(bytes)
        case .text(let text):
            if text == "EOS" || text.contains("Finalize") {
                let (replies, now) = (server.reply(isFinal: true), now)
                for reply in replies { session.received(reply, now) }
                if text == "EOS" { session.closed("closed", isClean: true, now) }
            }
        }
    }
}
