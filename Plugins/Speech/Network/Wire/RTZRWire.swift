import Resampling
import Sluice

/// RTZR's streaming speech-to-text (developers.rtzr.ai, "Streaming STT - WebSocket").
///
/// One connection carries many utterances, and each ends with a result that is `final`. Where the times of words stand,
/// and from where they count, differs between sources: both are read.
struct RTZRWire: SpeechWire {
    /// Of the query, besides the rate and the encoding. Empty values are left to RTZR.
    struct Option: Equatable, Sendable {
        var name: String
        var value: String
    }

    let name = "rtzr"
    let needsToken = true
    /// `wss://HOST`.
    let url: String
    let options: [Option]
    private let audio: RTZRAudio
    private let language: String
    /// Of one connection.
    private var resampler: Resampler?

    init(url: String, _ options: [Option] = [], audio: RTZRAudio = RTZRAudio()) {
        (self.url, self.options, self.audio) = (url, options, audio)
        language = options.first { $0.name == "language" }?.value ?? ""
    }

    func request(token: String) -> WireRequest {
        let form = [("sample_rate", "\(audio.rate)"), ("encoding", audio.encoding.rawValue)]
        let query = form + options.map { ($0.name, $0.value) }
        let url = WireReading.address(url + "/v1/transcribe:streaming", query)
        return WireRequest(url: url, fields: [.init(name: "Authorization", value: "Bearer \(token)")])
    }

    var greeting: [WireMessage] { [] }
    let finalize = WireMessage.text(#"{"type":"Finalize"}"#)
    let farewell = WireMessage.text("EOS")
    /// It closes after 60 s without audio.
    let keepAlive = KeepAlive.silence(every: 20)

    mutating func message(_ samples: ArraySlice<Int16>) -> [UInt8] {
        guard audio.rate != SpeechSamples.rate else { return audio.bytes(samples) }
        if resampler == nil { resampler = try? audio.resampler() }
        // Its memory has run out where it fails: silence keeps the time.
        return audio.bytes(
            (try? resampler?.convert(samples))
                ?? [Int16](repeating: 0, count: samples.count * audio.rate / SpeechSamples.rate))
    }

    mutating func sent(isFinalize: Bool) {}

    func read(_ text: String) -> [WireReply] {
        guard let value = WireReading.object(text) else { return [.unreadable] }
        if value["type"]?.string == "error" || value["error"] != nil {
            let code = value["code"] ?? value["error"]?["code"] ?? value["error"]
            return [.error(code: WireReading.code(code))]
        }
        guard let alternatives = value["alternatives"]?.array else { return [.other] }
        let best = alternatives.first
        var result = WireResult()
        result.start = WireReading.seconds(value["start_at"], unit: 1_000)
        if let start = result.start, let length = WireReading.seconds(value["duration"], unit: 1_000) {
            result.end = start + length
        }
        result.isFinal = value["final"]?.boolean ?? false
        result.confidence = WireReading.confidence(best?["confidence"]) ?? 0
        result.language = language
        result.speaker = value["spk"]?.integer.map { "\($0)" } ?? value["speaker"]?.string ?? ""
        let words = best?["words"]?.array ?? value["words"]?.array ?? []
        let timed = words.compactMap { Self.word($0, result.confidence) }
        let spoken = WireReading.words(best?["text"]?.string ?? "")
        if timed.count == words.count, timed.map(\.text).joined() == spoken.joined() {
            result.words = Self.placed(timed, result)
        } else if let start = result.start, let end = result.end {
            result.words = WireReading.spread(spoken, from: start, to: end, confidence: result.confidence)
        } else {
            result.words = WireReading.spread(spoken, from: 0, to: 0, confidence: result.confidence)
        }
        return [.result(result)]
    }

    private static func word(_ value: JSONValue, _ confidence: Double) -> Written.Word? {
        guard let text = (value["text"] ?? value["word"])?.string,
            let start = WireReading.seconds(value["start_at"], unit: 1_000)
        else { return nil }
        let length = WireReading.seconds(value["duration"], unit: 1_000) ?? 0
        let own = WireReading.words(text).joined(separator: " ")
        guard !own.isEmpty else { return nil }
        return Written.Word(
            text: own, start: start, end: start + length,
            confidence: WireReading.confidence(value["confidence"]) ?? confidence)
    }

    /// Times from the beginning of the utterance become such of the connection.
    private static func placed(_ words: [Written.Word], _ result: WireResult) -> [Written.Word] {
        guard let start = result.start, let first = words.first, first.start < start - 0.05 else { return words }
        return words.map {
            Written.Word(text: $0.text, start: start + $0.start, end: start + $0.end, confidence: $0.confidence)
        }
    }
}
