import Sluice
import TestSupport
import Testing

@testable import TwilioPlugin

/// The protocol, pure: text and a time in, events out.
@Suite("Twilio's Media Streams") struct StreamTests {
    private let zero = Instant(nanoseconds: 0)

    private func begun() -> CallStream {
        var stream = CallStream(jitter: .milliseconds(60))
        #expect(stream.take(TestCall.connected, now: zero) == [])
        let started = stream.take(TestCall.start(), now: zero)
        var start = CallStart(stream: TestCall.stream, call: TestCall.sid)
        start.parameters = ["who": "Ada"]
        #expect(started == [.started(start)])
        return stream
    }

    private func pieces(_ events: [CallStream.Event]) -> [ChunkOrder.Piece] {
        events.compactMap { if case .audio(let piece) = $0 { piece } else { nil } }
    }

    @Test func aCallFromConnectedToStop() {
        var stream = begun()
        for chunk in 1...3 {
            let heard = pieces(stream.take(TestCall.media(chunk), now: zero))
            #expect(heard.map(\.position) == [Int64(chunk - 1) * 160])
            #expect(heard.map(\.isNew) == [chunk == 1])
        }
        #expect(stream.take(TestCall.key("#"), now: zero) == [.digit("#")])
        #expect(stream.take(TestCall.mark("a"), now: zero) == [.mark("a")])
        #expect(stream.take(TestCall.stop, now: zero) == [.stopped])
        #expect(stream.isOver && stream.wake == nil)
        #expect(stream.take(TestCall.media(4), now: zero).isEmpty)
    }

    @Test func numbersMayBeNumbers() {
        var stream = begun()
        let text = #"{"event":"media","media":{"chunk":1,"timestamp":5,"payload":"/w=="}}"#
        #expect(pieces(stream.take(text, now: zero)).map(\.bytes) == [[0xff]])
    }

    @Test func chunksOutOfOrderArePutInOrder() {
        var stream = begun()
        var heard: [ChunkOrder.Piece] = []
        for chunk in [2, 1, 3, 6, 5, 4, 4, 7] {
            heard += pieces(stream.take(TestCall.media(chunk), now: zero))
        }
        #expect(heard.map { $0.bytes[0] } == [1, 2, 3, 4, 5, 6, 7])
        #expect(heard.map(\.position) == (0..<7).map { $0 * 160 })
        #expect(stream.counts.reordered == 3 && stream.counts.late == 1 && stream.counts.missing == 0)
    }

    @Test func aMissingChunkIsWaitedForAndThenSilence() {
        var stream = begun()
        var heard = pieces(stream.take(TestCall.media(1), now: zero))
        heard += pieces(stream.take(TestCall.media(4), now: zero))
        #expect(heard.count == 1)
        #expect(stream.wake == zero + .milliseconds(60))
        #expect(stream.advance(now: zero + .milliseconds(59)).isEmpty)
        heard += pieces(stream.advance(now: zero + .milliseconds(60)))
        let silent = [UInt8](repeating: 0xff, count: 160)
        #expect(
            heard.map(\.bytes) == [
                [UInt8](repeating: 1, count: 160), silent, silent, [UInt8](repeating: 4, count: 160),
            ])
        #expect(heard.last?.position == 480)
        #expect(stream.counts.missing == 2 && stream.counts.silence == 320)
        // One that comes behind its silence is too late, and is not heard twice.
        #expect(stream.take(TestCall.media(2), now: zero).isEmpty && stream.counts.late == 1)
    }

    @Test func timeThatIsLeftOutBetweenChunksIsSilenceOrAHole() {
        var stream = begun()
        var heard = pieces(stream.take(TestCall.media(1, at: 5), now: zero))
        heard += pieces(stream.take(TestCall.media(2, at: 525), now: zero))
        #expect(heard.last?.position == 520 * 8 && heard.count == 27 && heard.last?.isNew == false)
        // A minute is no silence to be made up.
        heard = pieces(stream.take(TestCall.media(3, at: 60_525), now: zero))
        #expect(heard.map(\.position) == [60_520 * 8] && heard.map(\.isNew) == [true])
        // Times that run backwards, or far away, mean nothing.
        for (chunk, time) in [(4, 3), (5, 999_999_999_999_999), (6, 0)] {
            heard = pieces(stream.take(TestCall.media(chunk, at: time), now: zero))
            #expect(heard.map(\.position) == [60_520 * 8 + Int64(chunk - 3) * 160])
        }
    }

    @Test func numbersThatBeginAnewAreFollowed() {
        var stream = begun()
        for chunk in 1...100 { _ = stream.take(TestCall.media(chunk), now: zero) }
        var heard = 0
        for chunk in 1...100 { heard += pieces(stream.take(TestCall.media(chunk), now: zero)).count }
        #expect(heard == 51)
        #expect(pieces(stream.take(TestCall.media(900_000_000), now: zero)).count == 1)
    }

    @Test func theCallersOwnTrackAloneIsHeard() {
        var stream = begun()
        #expect(stream.take(TestCall.media(1, track: "outbound"), now: zero).isEmpty)
        #expect(pieces(stream.take(TestCall.media(1), now: zero)).count == 1)
    }

    @Test func aStartThatDoesNotComeEndsTheStream() {
        var stream = CallStream(jitter: .zero)
        #expect(stream.advance(now: zero).isEmpty && stream.wake == zero + .seconds(10))
        #expect(
            stream.advance(now: zero + .seconds(10)).last == .close(1_008, "no start came within 10 s"))
        #expect(stream.isOver)
    }

    /// Each with the words that are told.
    static let nonsense: [(String, String)] = [
        ("", "A message is no JSON"), ("{", "A message is no JSON"), ("[]", "A message is an array"),
        ("null", "send a JSON object"), ("7", "A message is a number"), (#""media""#, "A message is a string"),
        ("{}", "A message has no \"event\""), (#"{"event":7}"#, "\"event\" of A message is a number"),
        (#"{"event":"media"}"#, "A message has no \"media\""), (#"{"event":"media","media":[]}"#, "is an array"),
        (#"{"event":"media","media":{}}"#, "has no \"payload\""),
        (#"{"event":"media","media":{"payload":7}}"#, "\"payload\" of A message.media is a number"),
        (#"{"event":"media","media":{"payload":""}}"#, "no base 64 of 1 to 8000 bytes"),
        (#"{"event":"media","media":{"payload":"%%%%"}}"#, "no base 64"),
        (#"{"event":"media","media":{"payload":"\#(String(repeating: "A", count: 20_000))"}}"#, "no base 64"),
        (#"{"event":"media","media":{"payload":"/w==","chunk":"one"}}"#, "\"chunk\" of A message.media is a string"),
        (#"{"event":"media","media":{"payload":"/w==","chunk":-1}}"#, "send a whole number, as \"12\""),
        (#"{"event":"media","media":{"payload":"/w==","chunk":1.5}}"#, "send a whole number"),
        (#"{"event":"media","media":{"payload":"/w==","chunk":"1e3"}}"#, "send a whole number"),
        (#"{"event":"media","media":{"payload":"/w==","timestamp":"99999999999999999999"}}"#, "a whole number"),
        (#"{"event":"media","media":{"payload":"/w=="},"streamSid":"MZother"}"#, "of another stream"),
        (#"{"event":"media","media":{"payload":"/w=="},"media":{}}"#, "A message is no JSON"),
        (#"{"event":"mark","mark":{}}"#, "has no \"name\""), (#"{"event":"mark","mark":"a"}"#, "is a string"),
        (#"{"event":"dtmf","dtmf":{"digit":"12"}}"#, "no key"), (#"{"event":"dtmf","dtmf":{"digit":""}}"#, "no key"),
        (#"{"event":"dtmf"}"#, "has no \"dtmf\""), (TestCall.connected, "connected came a second time"),
        (TestCall.start(), "start came a second time"),
        (#"{"event":"media","a":\#(String(repeating: "[", count: 40))"#, "A message is no JSON"),
    ]

    @Test(arguments: nonsense) func nonsenseIsToldAndTheCallGoesOn(text: String, words: String) {
        var stream = begun()
        let events = stream.take(text, now: zero)
        guard case .tell(let sentence) = events.first, events.count == 1 else {
            Issue.record("\(text.prefix(60)): \(events)")
            return
        }
        #expect(sentence.contains(words), "\(sentence)")
        // Once, and the next chunk is heard.
        #expect(stream.take(text, now: zero).isEmpty && stream.faults == 2)
        #expect(pieces(stream.take(TestCall.media(1), now: zero)).count == 1)
    }

    @Test func tooMuchNonsenseEndsIt() {
        var stream = begun()
        for _ in 1..<CallStream.mostFaults { _ = stream.take("x", now: zero) }
        guard case .close(1_008, _) = stream.take("x", now: zero).last else {
            Issue.record("it goes on")
            return
        }
        #expect(stream.isOver)
    }

    @Test(arguments: [
        ("x", "no JSON"), (TestCall.media(1), "media came before start"), (TestCall.stop, "stop came before start"),
        (TestCall.start(), "start came before connected"), (TestCall.start("audio/opus"), "audio/x-mulaw, 8000 Hz"),
        (TestCall.start(rate: "16000"), "16000 Hz, 1 channels"), (TestCall.start(call: "../a"), "\"callSid\""),
        (TestCall.start(rate: "\"8000\""), "start came before connected"),
    ])
    func nonsenseBeforeTheStartEndsIt(text: String, words: String) {
        var stream = CallStream(jitter: .zero)
        guard case .close(1_008, let reason) = stream.take(text, now: zero).last else {
            Issue.record("\(text) is taken")
            return
        }
        #expect(reason.contains(words), "\(reason)")
        #expect(stream.isOver)
    }

    @Test func whatIsNewToThisCodeIsPassedOver() {
        var stream = begun()
        #expect(stream.take(#"{"event":"later","later":[1]}"#, now: zero).isEmpty && stream.faults == 0)
    }

    /// However they come, nothing is heard twice and the time of each is its own.
    @Test func anyOrderIsHeardOnceAndInTime() {
        var dice = Dice(seed: 3)
        for _ in 0..<50 {
            var order = ChunkOrder(patience: .milliseconds(60))
            var (coming, now): ([(Int64, Int)], [ChunkOrder.Piece]) = ([], [])
            for chunk in 1...200 where Double.random(in: 0..<1, using: &dice) > 0.05 {
                coming.append((Int64(chunk * 20) + Int64.random(in: 0..<50, using: &dice), chunk))
            }
            for (at, chunk) in coming.sorted(by: { ($0.0, $0.1) < ($1.0, $1.1) }) {
                let time = Instant(nanoseconds: at * 1_000_000)
                now += order.advance(now: time)
                let bytes = [UInt8](repeating: UInt8(chunk % 200 + 1), count: 160)
                now += order.take(CallMedia(chunk: chunk, timestamp: chunk * 20, bytes: bytes), now: time)
            }
            now += order.finish()
            var isRight = true
            for piece in now where piece.bytes[0] != 0xff {
                isRight = isRight && Int(piece.position / 160 + 1) % 200 + 1 == Int(piece.bytes[0])
            }
            #expect(isRight)
            #expect(now.filter { $0.bytes[0] != 0xff }.count == coming.count)
        }
    }
}
