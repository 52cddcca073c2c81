/// Puts the texts of one connection in their places: to utterances, with times from their beginning. Pure.
///
/// Providers are trusted in the order of what they say more than in their times: a final that is told twice is left
/// out, and times that begin anew count from the last final. A text whose times fit nothing that was sent lies where
/// speech was heard that has no text.
struct ProviderTimes: Sendable {
    struct Placed: Equatable {
        var utterance: Int
        var written: Written
        /// In s on the connection's clock; nil where the provider tells no times.
        var end: Double?
        /// Of its times, where such ones come for the first time.
        var oddity: Oddity?
    }

    enum Oddity {
        /// They count from the last final.
        case anew
        /// They lie in audio that has its text, or in none.
        case impossible
    }

    /// In s, by which a text may begin before the end of the last final, and end behind the audio.
    static let slack = 0.5
    /// In s, by which times that begin anew may miss the beginning of the speech that is heard here.
    static let anewSlack = 0.25

    private struct Final {
        var start: Double
        var text: Int
        /// Samples that were sent when it came.
        var sent: Int
    }

    /// In s: added to the provider's times.
    private var base = 0.0
    /// By the provider's own times.
    private var finals: [Final] = []
    /// By the connection's clock: where the last final ends, its Finalize counted in.
    private var boundary = 0.0
    /// Where the last final ends by the provider's own times, if they were possible.
    private var lastEnd = 0.0
    private var told: Set<Oddity> = []

    /// nil for a text that came before, and where no audio was sent.
    mutating func place(_ result: WireResult, _ clock: ConnectionClock, _ open: [SentUtterance]) -> Placed? {
        guard let start = result.start else { return placeUntimed(result, clock, open) }
        let end = max(start, result.end ?? start)
        let text = ProviderTimes.mark(result)
        if isTwice(result, text, clock) { return nil }
        defer {
            if result.isFinal {
                finals.append(Final(start: start, text: text, sent: clock.sent))
                if finals.count > 64 { finals.removeFirst() }
            }
        }
        let oddity = rebase(start, end, clock, open)
        let isNews = oddity.map { told.insert($0).inserted } ?? false
        if oddity == .impossible {
            var placed = placeUntimed(result, clock, open)
            if isNews { placed?.oddity = oddity }
            return placed
        }
        guard let utterance = clock.utterance(at: base + (start + end) / 2) else { return nil }
        func place(_ seconds: Double) -> Double { clock.seconds(base + seconds, in: utterance) ?? 0 }
        let speech = place(start)...max(place(start), place(end))
        let words = result.words.map {
            Written.Word(
                text: $0.text, start: place($0.start), end: max(place($0.start), place($0.end)),
                confidence: $0.confidence)
        }
        let last = min(base + end, clock.seconds)
        if result.isFinal { (boundary, lastEnd) = (max(boundary, last), end) }
        let written = Written(
            words: words, confidence: result.confidence, language: result.language, speaker: result.speaker,
            speech: speech)
        return Placed(utterance: utterance, written: written, end: last, oddity: isNews ? oddity : nil)
    }

    /// A final that was told within the last second of audio, or a partial text of one.
    private func isTwice(_ result: WireResult, _ text: Int, _ clock: ConnectionClock) -> Bool {
        finals.contains {
            abs($0.start - (result.start ?? 0)) < 0.02 && $0.text == text && clock.sent - $0.sent < SpeechSamples.rate
        }
    }

    /// Looks for the count by which a text lies in audio that was sent and has none. nil where it is the one as before.
    private mutating func rebase(
        _ start: Double, _ end: Double, _ clock: ConnectionClock, _ open: [SentUtterance]
    ) -> Oddity? {
        func isFree(_ base: Double) -> Bool { !isWritten(base + (start + end) / 2, clock, open) }
        func fits(_ base: Double) -> Bool { base + end <= clock.seconds + ProviderTimes.slack && isFree(base) }
        // A text that begins behind the last final is in its order, however far ahead the provider's clock goes.
        if fits(base) || base == 0 && start >= lastEnd - ProviderTimes.slack && isFree(0) { return nil }
        let speech = next(open)?.unwritten?.lowerBound
        let others = base == 0 ? [boundary] : [0, boundary]
        let found = others.first { other in
            fits(other) && speech.map { abs(other + start - $0) <= ProviderTimes.anewSlack } ?? true
        }
        guard let found else { return .impossible }
        base = found
        return .anew
    }

    /// The utterance of which a final comes next.
    private func next(_ open: [SentUtterance]) -> SentUtterance? { open.first { $0.ended != nil } ?? open.last }

    /// The oldest utterance that has no final, over its speech that has no text.
    private mutating func placeUntimed(
        _ result: WireResult, _ clock: ConnectionClock, _ open: [SentUtterance]
    ) -> Placed? {
        guard let first = next(open) else { return nil }
        let from = clock.seconds(first.unwritten?.lowerBound ?? first.writtenTo, in: first.key) ?? 0
        let end = first.ended?.place ?? clock.seconds
        let to = max(from, clock.seconds(first.speech?.upperBound ?? end, in: first.key) ?? from)
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
