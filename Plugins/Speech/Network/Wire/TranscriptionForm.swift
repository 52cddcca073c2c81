import Glibc
import HTTP
import HTTPClient
import Sluice
import Spool

/// The request and the answer of OpenAI's `POST /v1/audio/transcriptions`, as OpenAI, speaches, whisper.cpp's server,
/// vLLM and Groq have them. Pure.
struct TranscriptionForm: Sendable {
    /// No text comes of it.
    struct Refusal: Error, Equatable {
        /// The middle of a sentence, without words of the server.
        var why: String
        var retryAfter: Interval?
        /// Another try gives the same.
        var isFinal: Bool
    }

    /// The whole address.
    var url: String
    var key = ""
    var model = ""
    var language = ""
    /// Words that the model should know.
    var prompt = ""

    private static let boundary = "sluice-part-7d1c4b"
    /// For an answer.
    static let patience = Interval.seconds(30)

    /// A file of audio, as it goes into the request.
    struct File: Sendable {
        var name: String
        var type: String
        var bytes: [UInt8]

        /// Of samples at 16 kHz.
        static func wave(_ samples: [Int16]) -> File {
            File(
                name: "speech.wav", type: "audio/wav",
                bytes: WaveHeader.bytes(samples: samples.count, rate: SpeechSamples.rate) + WaveHeader.bytes(samples))
        }
    }

    /// `patience` is for the whole answer.
    func call(_ file: File, patience: Interval = TranscriptionForm.patience) -> HTTPCall {
        var headers: HTTPHeaders = ["Content-Type": "multipart/form-data; boundary=\(TranscriptionForm.boundary)"]
        if !key.isEmpty { headers.add("Authorization", "Bearer \(key)") }
        return HTTPCall(.post, url, headers: headers, body: body(file), timeout: patience)
    }

    /// RFC 7578.
    func body(_ file: File) -> [UInt8] {
        var bytes: [UInt8] = []
        func part(_ name: String, _ value: String) {
            guard !value.isEmpty else { return }
            bytes += Array(
                "--\(TranscriptionForm.boundary)\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n"
                    .utf8)
        }
        part("model", model)
        part("language", language)
        part("prompt", prompt)
        part("response_format", "verbose_json")
        part("timestamp_granularities[]", "word")
        bytes += Array(
            """
            --\(TranscriptionForm.boundary)\r
            Content-Disposition: form-data; name="file"; filename="\(file.name)"\r
            Content-Type: \(file.type)\r
            \r

            """.utf8)
        bytes += file.bytes
        bytes += Array("\r\n--\(TranscriptionForm.boundary)--\r\n".utf8)
        return bytes
    }

    /// Words of an utterance of `seconds` s. Servers differ in what they tell: words, segments with words, segments, or
    /// the text alone.
    func read(_ answer: HTTPCall.Answer, seconds: Double) throws(Refusal) -> Written {
        guard answer.status == 200 else {
            let value = answer.text.flatMap(WireReading.object)
            let code = WireReading.code(value?["error"]?["code"])
            let told = code.isEmpty ? "\(answer.status)" : "\(answer.status), \(code)"
            let retryAfter = RetryAfter.read(answer.headers["Retry-After"])
            switch answer.status {
            case 401, 403: throw Refusal(why: "refuses the credentials (\(told))", isFinal: true)
            case 429: throw Refusal(why: "has too many requests (\(told))", retryAfter: retryAfter, isFinal: false)
            case 500...: throw Refusal(why: "failed (\(told))", retryAfter: retryAfter, isFinal: false)
            default: throw Refusal(why: "refuses the request (\(told))", isFinal: true)
            }
        }
        guard let value = answer.text.flatMap(WireReading.object), let text = value["text"]?.string else {
            throw Refusal(why: "gave an answer of no known form", isFinal: false)
        }
        var written = Written()
        let segments = value["segments"]?.array ?? []
        written.confidence = TranscriptionForm.confidence(segments)
        written.words = words(value["words"], written.confidence, seconds)
        if written.words.isEmpty {
            written.words = segments.flatMap { segment -> [Written.Word] in
                let own = words(segment["words"], written.confidence, seconds)
                guard own.isEmpty, let start = time(segment["start"], seconds) else { return own }
                return WireReading.spread(
                    WireReading.words(segment["text"]?.string ?? ""), from: start,
                    to: max(start, time(segment["end"], seconds) ?? seconds), confidence: written.confidence)
            }
        }
        let spoken = WireReading.words(text)
        // Words that are not those of the text are no help.
        if written.words.map(\.text).joined().count * 2 < spoken.joined().count {
            written.words = WireReading.spread(spoken, from: 0, to: seconds, confidence: written.confidence)
        }
        if spoken.isEmpty { written.words = [] }
        written.language = language.isEmpty ? TranscriptionForm.code(value["language"]?.string) : language
        if let first = written.words.first, let last = written.words.last {
            written.speech = first.start...max(first.start, last.end)
        }
        return written
    }

    private func time(_ value: JSONValue?, _ seconds: Double) -> Double? {
        WireReading.seconds(value).map { min($0, seconds) }
    }

    private func words(_ value: JSONValue?, _ confidence: Double, _ seconds: Double) -> [Written.Word] {
        (value?.array ?? []).compactMap { word in
            guard let text = (word["word"] ?? word["text"])?.string, let start = time(word["start"], seconds),
                let end = time(word["end"], seconds),
                case let own = WireReading.words(text).joined(separator: " "), !own.isEmpty
            else { return nil }
            return Written.Word(
                text: own, start: start, end: max(start, end),
                confidence: WireReading.confidence(word["probability"]) ?? confidence)
        }
    }

    /// Of the mean logarithms that Whisper tells.
    private static func confidence(_ segments: [JSONValue]) -> Double {
        let known = segments.compactMap { $0["avg_logprob"]?.number }.filter(\.isFinite)
        guard !known.isEmpty else { return 0 }
        return min(max(exp(known.reduce(0, +) / Double(known.count)), 0), 1)
    }

    /// Some tell the language by its code, others by its name.
    private static func code(_ name: String?) -> String {
        guard let name, name.utf8.allSatisfy({ (0x61...0x7a).contains($0 | 0x20) }) else { return "" }
        if name.utf8.count == 2 { return name.lowercased() }
        return ["english": "en", "korean": "ko", "japanese": "ja", "german": "de", "french": "fr", "spanish": "es"][
            name.lowercased()] ?? ""
    }
}
