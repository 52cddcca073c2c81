import Sluice

/// The WebSocket of vosk-server (github.com/alphacep/vosk-server, websocket/asr_server.py): one reply for each message
/// of audio, in their order, and one for `{"reset" : 1}`, which is the final of everything before it.
struct VoskWire: SpeechWire {
    let name = "vosk"
    let needsToken = false
    let url: String
    let language: String
    /// For each message that has no reply yet: whether it asked for a final.
    private var asked: [Bool] = []
    private var first = 0
    /// It repeats its partial text with each message.
    private var partial = ""

    init(url: String, language: String) { (self.url, self.language) = (url, language) }

    func request(token: String) -> WireRequest { WireRequest(url: url) }

    let greeting = [WireMessage.text(#"{"config":{"sample_rate":\#(SpeechSamples.rate).0,"words":1}}"#)]
    // The server compares these texts, with their spaces.
    let finalize = WireMessage.text(#"{"reset" : 1}"#)
    let farewell = WireMessage.text(#"{"eof" : 1}"#)
    let keepAlive = KeepAlive.none

    mutating func sent(isFinalize: Bool) {
        // A server that answers nothing is found elsewhere.
        if asked.count - first < 65_536 { asked.append(isFinalize) }
    }

    private mutating func isAnswer() -> Bool {
        guard first < asked.count else { return false }
        defer {
            first += 1
            if first >= 1_024 {
                asked.removeFirst(first)
                first = 0
            }
        }
        return asked[first]
    }

    mutating func read(_ text: String) -> [WireReply] {
        guard let value = WireReading.object(text) else { return [.unreadable] }
        let end: [WireReply] = isAnswer() ? [.finalized] : []
        if let partial = value["partial"]?.string {
            let spoken = WireReading.words(partial)
            guard !spoken.isEmpty, text != self.partial else { return [.other] + end }
            self.partial = text
            return [.result(WireResult(words: WireReading.spread(spoken, from: 0, to: 0, confidence: 0)))] + end
        }
        guard let whole = value["text"]?.string else { return [.other] + end }
        let spoken = WireReading.words(whole)
        guard !spoken.isEmpty else { return [.other] + end }
        let told = value["result"]?.array ?? []
        let timed = told.compactMap { word -> Written.Word? in
            guard let text = word["word"]?.string, let start = WireReading.seconds(word["start"]),
                let end = WireReading.seconds(word["end"]),
                case let own = WireReading.words(text).joined(separator: " "), !own.isEmpty
            else { return nil }
            return Written.Word(
                text: own, start: start, end: max(start, end), confidence: WireReading.confidence(word["conf"]) ?? 0)
        }
        var result = WireResult(isFinal: true, language: language)
        if timed.count == told.count, let first = timed.first, let last = timed.last {
            (result.words, result.start, result.end) = (timed, first.start, max(first.start, last.end))
            result.confidence = timed.reduce(0) { $0 + $1.confidence } / Double(timed.count)
        } else {
            result.words = WireReading.spread(spoken, from: 0, to: 0, confidence: 0)
        }
        return [.result(result)] + end
    }
}
