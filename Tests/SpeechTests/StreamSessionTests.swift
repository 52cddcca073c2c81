import Sluice
import Testing

@testable import SpeechPlugin

@Suite struct StreamSessionTests {
    private let milliseconds: (Int) -> Instant = { Instant(nanoseconds: Int64($0) * 1_000_000) }

    private func opened(_ wire: any SpeechWire = VoskWire(url: "ws://host", language: "")) -> StreamSession {
        var session = StreamSession(wire) { 1 }
        session.start(milliseconds(0))
        if wire.needsToken { session.took(token: "t", milliseconds(0)) }
        session.opened(milliseconds(100))
        _ = session.takeCommands()
        _ = session.takeEvents()
        return session
    }

    @Test func theTokenComesFirstAndIsRenewedOnceOn401() {
        var session = StreamSession(RTZRWire(url: "https://host")) { 1 }
        session.start(milliseconds(0))
        #expect(session.takeCommands() == [.askToken(isRenewal: false)])
        session.took(token: "old", milliseconds(120))
        guard case .connect(let request)? = session.takeCommands().first else { return #expect(Bool(false)) }
        #expect(request.fields.first?.value == "Bearer old")
        session.refused(status: 401, retryAfter: nil, milliseconds(200))
        let (renewal, nothing) = (session.takeCommands(), session.takeEvents())
        #expect(renewal == [.askToken(isRenewal: true)] && nothing.isEmpty)
        session.took(token: "new", milliseconds(320))
        _ = session.takeCommands()
        session.refused(status: 401, retryAfter: nil, milliseconds(400))
        #expect(session.takeEvents() == [.failed("refuses the credentials (401)", isBarren: true)])
        // Then as after any failure.
        #expect(session.next == milliseconds(500))
    }

    @Test func retryAfterIsHeeded() {
        var session = StreamSession(VoskWire(url: "ws://host", language: "")) { 1 }
        session.start(milliseconds(0))
        session.refused(status: 429, retryAfter: .seconds(3), milliseconds(50))
        #expect(session.takeEvents() == [.failed("has too many streams (429)", isBarren: true)])
        #expect(session.next == milliseconds(3_050))
    }

    @Test func pausesGrowFromATenthOfASecondToFive() {
        var backoff = Backoff()
        let pauses = (0..<9).map { _ in backoff.next(chance: 1, wish: nil).milliseconds }
        #expect(pauses == [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000])
        #expect(backoff.next(chance: 0, wish: nil).milliseconds == 2_500)
        backoff.reset()
        #expect(backoff.next(chance: 0, wish: nil).milliseconds == 100)
    }

    @Test func audioLeavesAtOnceInChunksOf20To100Milliseconds() {
        var session = opened()
        session.begin(1)
        func sizes() -> [Int] {
            session.takeCommands().compactMap {
                if case .send(.bytes(let bytes)) = $0 { bytes.count / 32 } else { nil }
            }
        }
        let samples = [Int16](repeating: 1, count: 16_000)
        session.hear(samples[..<160], speech: 0, milliseconds(110))
        #expect(sizes() == [])
        session.hear(samples[..<160], speech: 0, milliseconds(120))
        #expect(sizes() == [20])
        session.hear(samples[..<4_000], speech: 0, milliseconds(140))
        #expect(sizes() == [100, 100, 50])
        session.hear(samples[..<100], speech: 0, milliseconds(160))
        session.finalize(milliseconds(160))
        let last = session.takeCommands()
        #expect(last.count == 2 && last.last == .send(.text(#"{"reset" : 1}"#)))
    }

    @Test func eachProviderIsKeptByItsRule() {
        var rtzr = opened(RTZRWire(url: ""))
        rtzr.begin(1)
        // Pings besides.
        for second in 1...20 {
            rtzr.tick(milliseconds(100 + second * 1_000))
            rtzr.heardPong()
        }
        let sent = rtzr.takeCommands().filter { $0 != .ping }
        #expect(sent == [.send(.bytes([UInt8](repeating: 0, count: 3_200)))])
        var deepgram = opened(DeepgramWire(.init()))
        for second in 1...9 {
            deepgram.tick(milliseconds(100 + second * 1_000))
            deepgram.heardPong()
        }
        let messages = deepgram.takeCommands().filter { $0 != .ping }
        #expect(
            messages
                == Array(repeating: .send(.text(#"{"type":"KeepAlive"}"#)), count: 2))
    }

    @Test func aPingWithoutAnAnswerAndSpeechWithoutAWordEndTheConnection() {
        var session = opened()
        session.tick(milliseconds(5_100))
        #expect(session.takeCommands() == [.ping])
        session.tick(milliseconds(10_100))
        #expect(
            session.takeEvents()
                == [.failed("no answer to a ping for 5.0 s from vosk: connecting anew", isBarren: true)])
        var other = opened()
        other.begin(1)
        let samples = [Int16](repeating: 1, count: 1_600)
        var dead: Int?
        for tenth in 1...80 where dead == nil {
            let now = milliseconds(100 + tenth * 100)
            other.hear(samples[...], speech: 1_600, now)
            other.heardPong()
            other.tick(now)
            if other.takeEvents() == [
                .failed("speech for 5.0 s and no word from vosk: connecting anew", isBarren: true)
            ] {
                dead = tenth
            }
        }
        #expect(dead.map { 50...52 ~= $0 } == true, "after \(dead ?? -1) tenths of a second")
    }

    @Test func speechOfLessThanSevenTenthsOfASecondDoesNotCount() {
        var session = opened()
        session.begin(1)
        let samples = [Int16](repeating: 1, count: 1_600)
        for tenth in 1...200 {
            let now = milliseconds(100 + tenth * 100)
            session.hear(samples[...], speech: tenth % 50 < 6 ? 1_600 : 0, now)
            session.heardPong()
            session.tick(now)
        }
        let rest = session.takeEvents()
        #expect(rest.isEmpty)
    }

    @Test func aServerThatSaysNothingLeavesTheConnectionAfterFiveSeconds() {
        var session = StreamSession(VoskWire(url: "ws://host", language: "")) { 1 }
        session.start(milliseconds(0))
        session.tick(milliseconds(5_000))
        #expect(session.takeEvents() == [.failed("does not answer the handshake within 5 s", isBarren: true)])
    }

    @Test func silenceThatKeepsAConnectionCountsOnItsClock() {
        var clock = ConnectionClock()
        clock.begin(1)
        clock.send(16_000)
        clock.send(silence: 8_000)
        clock.send(16_000)
        clock.begin(2)
        clock.send(16_000)
        #expect(clock.seconds(0.5, in: 1) == 0.5 && clock.seconds(2, in: 1) == 1.5)
        #expect(clock.utterance(at: 1.2) == 1 && clock.utterance(at: 2.6) == 2 && clock.utterance(at: 99) == 2)
        #expect(clock.seconds(3, in: 2) == 0.5 && clock.seconds(0.1, in: 2) == 0)
    }

    @Test func theFirstIsTriedAgainWhileAnotherWrites() {
        var list = Takeover(count: 2)
        let failures = [0, 11_000, 12_000].map { list.failed(milliseconds($0)) }
        #expect(failures == [false, false, true] && list.current == 1 && list.next == milliseconds(42_000))
        let dues = [41_999, 42_000, 43_000].map { list.isDue(milliseconds($0)) }
        #expect(dues == [false, true, false])
        list.isBack()
        #expect(list.current == 0 && list.next == .distantFuture)
    }
}
