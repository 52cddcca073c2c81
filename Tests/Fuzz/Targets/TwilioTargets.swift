import HTTP

@testable import Sluice
@testable import TwilioPlugin

let twilioTargets = [
    FuzzTarget("twilio", "Twilio's messages of a call, one a line, and the audio that they make", longest: 8_192) {
        twilio($0)
    },
    FuzzTarget("twilio-voice", "A webhook of Twilio's: the host, the query and the form, a line each", longest: 4_096) {
        voice($0)
    },
]

/// The first byte says how much time passes from line to line.
private func twilio(_ bytes: UnsafeRawBufferPointer) {
    var input = FuzzInput(bytes)
    let step = Interval.milliseconds(Int64(input.byte() % 32) * 10)
    var now = Instant(nanoseconds: 0)
    var stream = CallStream(jitter: .milliseconds(60))
    var end = Int64(0)
    var hasStarted = false
    var tells = 0

    func check(_ events: [CallStream.Event]) {
        for event in events {
            switch event {
            case .started(let start):
                mustHold(!hasStarted, "a second start")
                mustHold(!start.stream.isEmpty && !start.call.isEmpty && !start.call.contains("/"), "names")
                hasStarted = true
            case .audio(let piece):
                mustHold(hasStarted, "audio before the start")
                mustHold(piece.position >= end, "time runs backwards: \(piece.position) behind \(end)")
                mustHold(piece.position == end || piece.isNew, "a hole without a mark")
                mustHold(1...CallMedia.most ~= piece.bytes.count, "a piece of \(piece.bytes.count) bytes")
                end = piece.position + Int64(piece.bytes.count)
            case .digit(let digit): mustHold(digit.utf8.count == 1, "a key of \(digit.utf8.count) bytes")
            case .tell(let sentence):
                tells += 1
                mustHold(sentence.utf8.count < 2_048, "a long sentence")
            case .close: mustHold(stream.isOver, "closed, and it goes on")
            case .mark, .stopped: break
            }
        }
    }

    for line in input.rest.split(separator: 10) {
        check(stream.take(String(decoding: line, as: UTF8.self), now: now))
        now = now + step
        check(stream.advance(now: now))
    }
    check(stream.closed())
    mustHold(tells <= CallStream.mostFaults + 1, "\(tells) sentences")
    mustHold(stream.isOver && stream.wake == nil, "closed")
    mustHold(stream.take(#"{"event":"connected"}"#, now: now).isEmpty, "words behind the end")
}

private func voice(_ bytes: UnsafeRawBufferPointer) {
    let lines = bytes.split(separator: 10, maxSplits: 2, omittingEmptySubsequences: false)
    func line(_ index: Int) -> [UInt8] { index < lines.count ? Array(lines[index]) : [] }
    func text(_ index: Int) -> String { String(decoding: line(index), as: UTF8.self) }
    guard let address = try? PublicAddress("", service: "http://127.0.0.1:1") else { return }
    let open = VoiceAnswer(address: address, signature: nil, streamPath: "/twilio/stream")
    let guarded = VoiceAnswer(
        address: address, signature: RequestSignature(token: "secret"), streamPath: "/twilio/stream")
    let request = HTTPRequest(
        .post, "/twilio/voice", query: text(1), headers: ["Host": text(0), "X-Twilio-Signature": text(1)],
        body: line(2))
    if case .connect(let response) = open.answer(request, hasRoom: true) {
        let body = String(decoding: response.body, as: UTF8.self)
        mustHold(body.split(separator: "<").count == 6, "marks of the host's own: \(body)")
    }
    if case .connect = guarded.answer(request, hasRoom: true) { mustHold(false, "taken without a signature") }
    mustHold(!guarded.isSigned(request), "a stream taken without a signature")
}
