/// Puts the texts of one connection in their places: to utterances, with times from their beginning. Pure.
///
/// Providers are trusted in the order of what they say more than in their times: a final that is told twice is left
/// out, and times that begin anew count from the last final.
struct ProviderTimes: Sendable {
    struct Placed: Equatable {
        var utterance: Int
        var written: Written
        /// In s on the connection's clock; nil where the provider tells no times.
        var end: Double?
        var isAnew = false
    }

    /// In s, by which a text may begin before the end of the last final.
    static let slack = 0.5

    private struct Final: Equatable {
        var start: Double
        var end: Double
        var text: Int
    }

    /// In s: added to the provider's times.
    private var base = 0.0
    /// By the provider's own times since they began anew.
    private var finals: [Final] = []
    /// By the connection's clock: where the last final ends, its Finalize counted in.
    private var boundary = 0.0
    private var hasToldAnew = false

    /// nil for a text that came before, and where no audio was sent.
    mutating func place(_ result: WireResult, _ clock: ConnectionClock, _ open: [SentUtterance]) -> Placed? {
        guard let start = result.start else { return placeUntimed(result, clock, open) }
        let end = max(start, result.end ?? start)
        let known = Final(start: start, end: end, text: ProviderTimes.mark(result))
        var isAnew = false
        if result.isFinal, finals.contains(known) { return nil }
        if let last = finals.last, start < last.end - ProviderTimes.slack,
            isWritten(base + (start + end) / 2, clock, open)
        {
            // A repetition of a partial is none of a new count.
            if finals.contains(where: { abs($0.start - start) < 0.02 && $0.text == known.text }) { return nil }
            base = boundary
            finals = []
            isAnew = !hasToldAnew
            hasToldAnew = true
        }
        guard let utterance = clock.utterance(at: base + (start + end) / 2) else { return nil }
        func place(_ seconds: Double) -> Double { clock.seconds(base + seconds, in: utterance) ?? 0 }
        let speech = place(start)...max(place(start), place(end))
        let words = result.words.map {
            Written.Word(
                text: $0.text, start: place($0.start), end: max(place($0.start), place($0.end)),
                confidence: $0.confidence)
        }
        if result.isFinal {
            finals.append(known)
            if finals.count > 64 { finals.removeFirst() }
            boundary = max(boundary, min(base + end, clock.seconds))
        }
        let written = Written(
            words: words, confidence: result.confidence, language: result.language, speaker: result.speaker,
            speech: speech)
        return Placed(utterance: utterance, written: written, end: min(base + end, clock.seconds), isAnew: isAnew)
    }

    /// The oldest utterance that has no final, from what is written of it to what was sent.
    private mutating func placeUntimed(
        _ result: WireResult, _ clock: ConnectionClock, _ open: [SentUtterance]
    ) -> Placed? {
        guard let first = open.first(where: { $0.ended != nil }) ?? open.last else { return nil }
        let from = clock.seconds(first.writtenTo, in: first.key) ?? 0
        let end = first.ended?.place ?? clock.seconds
        let to = max(from, clock.seconds(first.speechEnd ?? end, in: first.key) ?? from)
        let written = Written(
            words: WireReading.spread(
                result.words.map(\.text), from: from, to: to, confidence: result.words.first?.confidence ?? 0),
            confidence: result.confidence, language: result.language, speaker: result.speaker, speech: from...to)
        return Placed(utterance: first.key, written: written, end: result.isFinal ? end : nil)
    }

    mutating func closed(_ utterance: SentUtterance) {
        if let end = utterance.ended?.place { boundary = max(boundary, end) }
    }

    /// There is a final of that time of the connection already.
    private func isWritten(_ seconds: Double, _ clock: ConnectionClock, _ open: [SentUtterance]) -> Bool {
        guard let key = clock.utterance(at: seconds) else { return false }
        guard let utterance = open.first(where: { $0.key == key }) else { return true }
        return seconds < utterance.writtenTo - 0.02
    }

    private static func mark(_ result: WireResult) -> Int {
        var hasher = Hasher()
        for word in result.words { hasher.combine(word.text) }
        return hasher.finalize()
    }
}
