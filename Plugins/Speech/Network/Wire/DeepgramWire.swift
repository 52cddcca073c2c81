import Sluice

/// Deepgram's live transcription (developers.deepgram.com, "Live Audio"), which WhisperLiveKit speaks too.
///
/// An utterance is the `is_final` parts up to `speech_final`, or up to the answer to `Finalize`.
struct DeepgramWire: SpeechWire {
    struct Options: Equatable, Sendable {
        /// `wss://HOST`.
        var url = "wss://api.deepgram.com"
        var key = ""
        var model = ""
        var language = ""
        /// In ms.
        var endpointing = 300
    }

    let name = "deepgram"
    let needsToken = false
    let options: Options
    /// Of the utterance: its `is_final` parts so far.
    private var parts: WireResult?

    init(_ options: Options) { self.options = options }

    func request(token: String) -> WireRequest {
        let url = WireReading.address(
            options.url + "/v1/listen",
            [
                ("encoding", "linear16"), ("sample_rate", "\(SpeechSamples.rate)"), ("channels", "1"),
                ("interim_results", "true"),
                ("endpointing", "\(options.endpointing)"), ("punctuate", "true"), ("model", options.model),
                ("language", options.language),
            ])
        let fields: [WireRequest.Field] =
            options.key.isEmpty ? [] : [.init(name: "Authorization", value: "Token \(options.key)")]
        return WireRequest(url: url, fields: fields)
    }

    var greeting: [WireMessage] { [] }
    let finalize = WireMessage.text(#"{"type":"Finalize"}"#)
    let farewell = WireMessage.text(#"{"type":"CloseStream"}"#)
    /// It closes after 10 s without a message.
    let keepAlive = KeepAlive.message(.text(#"{"type":"KeepAlive"}"#), every: 4)

    mutating func sent(isFinalize: Bool) {}

    mutating func read(_ text: String) -> [WireReply] {
        guard let value = WireReading.object(text) else { return [.unreadable] }
        switch value["type"]?.string {
        case "Results": return take(value)
        case "Error": return [.error(code: WireReading.code(value["err_code"] ?? value["code"]))]
        default:
            if value["err_code"] != nil || value["error"] != nil {
                return [.error(code: WireReading.code(value["err_code"]))]
            }
            return [.other]
        }
    }

    private mutating func take(_ value: JSONValue) -> [WireReply] {
        guard let best = value["channel"]?["alternatives"]?.array?.first else { return [.unreadable] }
        var part = WireResult()
        part.start = WireReading.seconds(value["start"])
        if let start = part.start, let length = WireReading.seconds(value["duration"]) { part.end = start + length }
        part.confidence = WireReading.confidence(best["confidence"]) ?? 0
        part.language = options.language
        part.words = words(best, part)
        // The stretch of a result has silence at its ends.
        if let first = part.words.first, let last = part.words.last {
            (part.start, part.end) = (first.start, max(first.start, last.end))
        }
        let isFinal = value["is_final"]?.boolean ?? false
        let answers = value["from_finalize"]?.boolean ?? false
        let isOver = (value["speech_final"]?.boolean ?? false) || answers
        var whole = DeepgramWire.joined(parts, part)
        whole.isFinal = isFinal && isOver
        parts = isFinal ? (isOver ? nil : whole) : parts
        return [.result(whole)] + (answers ? [.finalized] : [])
    }

    private func words(_ best: JSONValue, _ part: WireResult) -> [Written.Word] {
        let told = best["words"]?.array ?? []
        let timed = told.compactMap { word -> Written.Word? in
            guard let text = (word["punctuated_word"] ?? word["word"])?.string,
                let start = WireReading.seconds(word["start"]), let end = WireReading.seconds(word["end"]),
                case let own = WireReading.words(text).joined(separator: " "), !own.isEmpty
            else { return nil }
            return Written.Word(
                text: own, start: start, end: max(start, end),
                confidence: WireReading.confidence(word["confidence"]) ?? part.confidence)
        }
        if timed.count == told.count, !told.isEmpty { return timed }
        let spoken = WireReading.words(best["transcript"]?.string ?? "")
        return WireReading.spread(
            spoken, from: part.start ?? 0, to: part.end ?? part.start ?? 0, confidence: part.confidence)
    }

    private static func joined(_ first: WireResult?, _ second: WireResult) -> WireResult {
        guard var result = first else { return second }
        guard !second.words.isEmpty else { return result }
        if result.words.isEmpty { return second }
        // Parts whose words nobody bounds would grow for ever.
        if result.words.count < 4_096 { result.words += second.words }
        result.end = second.end ?? result.end
        result.confidence = min(result.confidence, second.confidence)
        return result
    }
}
