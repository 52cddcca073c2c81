import Sluice

/// Text of one utterance as it travels: data of the schema `transcript`.
///
/// An utterance has a number. Partials raise its revision, and a final ends it. Times are the graph's media time.
struct Transcript: Equatable, Sendable {
    struct Word: Equatable, Sendable {
        var text: String
        /// Media time in s.
        var start: Double
        var end: Double
        /// 0...1.
        var confidence: Double?
    }

    /// Names that tell apart the sessions and the speakers whose texts meet; empty where there is one.
    var session = ""
    var speaker = ""
    var id = 0
    var revision = 0
    var isFinal = true
    /// Of a partial: its beginning that later revisions keep.
    var stable = ""
    /// Media time in s.
    var start = 0.0
    var end = 0.0
    var text = ""
    var confidence: Double?
    /// ISO 639-1, empty where it is not known.
    var language = ""
    var words: [Word] = []
    var provider = ""
    /// The final did not come in time: the last partial stands for it.
    var isTimedOut = false
}

extension Transcript {
    static let schema = DataSchema(
        "transcript",
        fields: [
            .init("session", help: "The session that the text belongs to. Empty where there is one."),
            .init("speaker", help: "The name of the speaker or of the channel. Empty where it is not known."),
            .init("id", help: "The number of the utterance within its session and speaker, from 1 on."),
            .init("revision", help: "The number of the text among those of its utterance, from 1 on."),
            .init(
                "final",
                help: "True of the last text of an utterance. Others are partial ones that later texts replace."),
            .init("stable", help: "The beginning of a partial text that two in a row agree on. All of a final text."),
            .init("start_s", help: "The media time in s at which the utterance begins."),
            .init("end_s", help: "The media time in s at which the utterance ends, or its text so far."),
            .init("text", help: "The text. Empty in a final one that takes its partial texts back."),
            .init("confidence", optional: true, help: "The mean confidence, 0 to 1."),
            .init("language", optional: true, help: "The language as its ISO 639-1 code."),
            .init("words", optional: true, help: "An array of words, each with text, start_s, end_s and confidence."),
            .init("provider", help: "The provider that has written the text."),
            .init(
                "timed_out", optional: true,
                help: "True where no final came in time and the last partial stands for it."),
        ])
    static let format = MediaFormat(data: schema)

    /// Times are told to the millisecond.
    var item: DataItem {
        var fields: [JSONValue.Member] = [
            .init("session", .init(.string(session))), .init("speaker", .init(.string(speaker))),
            .init("id", .init(.integer(id))), .init("revision", .init(.integer(revision))),
            .init("final", .init(.boolean(isFinal))), .init("stable", .init(.string(isFinal ? text : stable))),
            .init("start_s", Transcript.rounded(start)), .init("end_s", Transcript.rounded(end)),
            .init("text", .init(.string(text))),
        ]
        if let confidence { fields.append(.init("confidence", Transcript.rounded(confidence))) }
        if !language.isEmpty { fields.append(.init("language", .init(.string(language)))) }
        if !words.isEmpty { fields.append(.init("words", .init(.array(words.map(Transcript.value))))) }
        fields.append(.init("provider", .init(.string(provider))))
        if isTimedOut { fields.append(.init("timed_out", .init(.boolean(true)))) }
        return DataItem(format: Transcript.format, at: .seconds(start), fields: fields)
    }

    private static func value(_ word: Word) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("text", .init(.string(word.text))), .init("start_s", rounded(word.start)),
            .init("end_s", rounded(word.end)),
        ]
        if let confidence = word.confidence { members.append(.init("confidence", rounded(confidence))) }
        return JSONValue(.object(members))
    }

    private static func rounded(_ number: Double) -> JSONValue {
        .init(.number(number.isFinite ? (number * 1_000).rounded() / 1_000 : 0))
    }

    /// nil where the item has no text or no times. Numbers that no time can be are none.
    init?(_ item: DataItem) {
        guard let text = item["text"]?.string, let start = Transcript.time(item["start_s"]),
            let end = Transcript.time(item["end_s"])
        else { return nil }
        self.text = text
        self.start = start
        self.end = max(start, end)
        session = item["session"]?.string ?? ""
        speaker = item["speaker"]?.string ?? ""
        id = item["id"]?.integer ?? 0
        revision = item["revision"]?.integer ?? 0
        isFinal = item["final"]?.boolean ?? true
        stable = item["stable"]?.string ?? ""
        confidence = item["confidence"]?.number
        language = item["language"]?.string ?? ""
        provider = item["provider"]?.string ?? ""
        isTimedOut = item["timed_out"]?.boolean ?? false
        words = (item["words"]?.array ?? []).compactMap { value in
            guard let text = value["text"]?.string, let start = Transcript.time(value["start_s"]),
                let end = Transcript.time(value["end_s"])
            else { return nil }
            return Word(text: text, start: start, end: max(start, end), confidence: value["confidence"]?.number)
        }
    }

    /// Up to a year either way.
    private static func time(_ value: JSONValue?) -> Double? {
        guard let number = value?.number, number.isFinite, abs(number) < 3.2e7 else { return nil }
        return number
    }
}
