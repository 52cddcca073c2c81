import HTTPClient
import Sluice

@testable import SpeechPlugin

/// The first byte chooses the provider, and what is sent between the replies, which are lines.
func speechReplies(_ bytes: UnsafeRawBufferPointer) {
    var input = FuzzInput(bytes)
    let choice = input.byte()
    if choice % 4 == 3 {
        let answer = HTTPCall.Answer(status: 200, body: Array(input.rest), url: "")
        if let written = try? TranscriptionForm(url: "").read(answer, seconds: 2) { check(written) }
        return
    }
    let wires: [any SpeechWire] = [RTZRWire(url: ""), DeepgramWire(.init()), VoskWire(url: "", language: "")]
    var session = StreamSession(wires[Int(choice) % 4]) { 0.5 }
    var now = Instant(nanoseconds: 1_000_000_000)
    session.start(now)
    session.took(token: "t", now)
    session.opened(now)
    let samples = [Int16](repeating: 1, count: 3_200)
    var held = HeldSpeech()
    var isOpen = false
    var key = 0
    for (number, line) in bytes.dropFirst().split(separator: 0x0a).prefix(64).enumerated() {
        now = now + .milliseconds(200)
        if !isOpen {
            key += 1
            session.begin(key)
            held.begin(key)
            isOpen = true
        }
        session.hear(samples[...], speech: 1_600, now)
        _ = held.hear(samples, speech: 1_600)
        if Int(choice) >> 2 & 1 << (number & 3) != 0 {
            session.finalize(now)
            held.end(now)
            isOpen = false
        }
        session.received(String(decoding: line, as: UTF8.self), now)
        session.tick(now)
        check(&session, &held)
    }
    session.leave(now)
    session.closed("closed", isClean: true, now)
    check(&session, &held)
}

private func check(_ session: inout StreamSession, _ held: inout HeldSpeech) {
    for event in session.takeEvents() {
        switch event {
        case .partial(_, let written): check(written)
        case .text(let key, let written):
            check(written)
            held.wrote(key, to: Int(min(written.speech?.upperBound ?? 0, 1e6) * 16_000))
        case .over(let key): held.close(key)
        case .failed(let why, _): mustHold(why.utf8.count < 200, "a sentence: \(why)")
        case .said, .opened: break
        }
    }
    mustHold(session.takeCommands().count <= 64, "few commands a reply")
}

private func check(_ written: Written) {
    mustHold(written.words.count <= 65_536, "\(written.words.count) words")
    for word in written.words {
        mustHold(word.start >= 0 && word.end >= word.start && word.end < 1e6, "\(word.start)–\(word.end)")
        mustHold(0...1 ~= word.confidence, "\(word.confidence)")
    }
    if let speech = written.speech { mustHold(speech.lowerBound >= 0 && speech.upperBound < 1e6, "\(speech)") }
    mustHold(0...1 ~= written.confidence, "\(written.confidence)")
}
