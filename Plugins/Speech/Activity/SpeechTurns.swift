/// Tells from probabilities of speech where utterances begin and end. Pure: one probability after the other, each of a
/// window of 32 ms.
///
/// Speech begins with the first window at `threshold` or above, and is told when it has lasted `minSpeech`. It ends
/// with the first window below `release`, and is told when nothing that lasts `minSpeech` has reached `threshold` for
/// `hangOver`: a click in a silence does not lengthen it, and up to four windows in front that were below `threshold`
/// belong to the silence. An utterance of `maxSpeech` is cut, in its second half, at the window in which speech is
/// least likely, the latest of equals.
struct SpeechTurns: Sendable {
    enum Turn: Equatable, Sendable {
        /// By the window's number.
        case began(Int)
        /// The first window that does not belong to it.
        case ended(Int)
    }

    /// Samples at 16 kHz.
    static let window = 512
    static let milliseconds = 32.0

    var settings: SpeechSettings
    /// Of windows that were taken.
    private(set) var count = 0
    /// The first window of what may be speech.
    private var candidate: Int?
    /// The first window of the utterance.
    private(set) var begin: Int?
    /// The first window of a silence within the utterance.
    private(set) var silence: Int?
    /// The first window below `threshold` since speech that lasted.
    private var dip: Int?
    /// The first window of what may be speech again behind one.
    private var resumption: Int?
    /// Of the windows from `begin` on; its bound is that of `maxSpeech`.
    private var probabilities: [Float] = []

    init(_ settings: SpeechSettings) { self.settings = settings }

    var isSpeaking: Bool { begin != nil }

    private static func windows(_ milliseconds: Double) -> Int {
        max(1, Int((milliseconds / Self.milliseconds).rounded(.up)))
    }

    /// The next window. Two turns come where an utterance is cut.
    mutating func take(_ probability: Float) -> [Turn] {
        let now = count
        count += 1
        guard let begin else {
            take(candidate: probability, at: now)
            guard let first = candidate, count - first >= SpeechTurns.windows(settings.minSpeech) else { return [] }
            (self.begin, candidate, silence, dip, resumption) = (first, nil, nil, nil, now)
            probabilities = Array(repeating: Float(settings.threshold), count: now - first) + [probability]
            return [.began(first)]
        }
        probabilities.append(probability)
        if Double(probability) >= settings.threshold {
            let first = resumption ?? now
            resumption = first
            if count - first >= SpeechTurns.windows(settings.minSpeech) { (silence, dip) = (nil, nil) }
        } else {
            dip = dip ?? now
            if Double(probability) < settings.release { silence = silence ?? now }
            resumption = nil
        }
        if let silence, resumption == nil, count - silence >= SpeechTurns.windows(settings.hangOver) {
            defer { end() }
            return [.ended(place(of: silence))]
        }
        guard probabilities.count >= SpeechTurns.windows(settings.maxSpeech * 1_000) else { return [] }
        return cut(begin)
    }

    private mutating func take(candidate probability: Float, at now: Int) {
        if Double(probability) >= settings.threshold {
            candidate = candidate ?? now
        } else if Double(probability) < settings.release {
            candidate = nil
        }
    }

    private mutating func cut(_ begin: Int) -> [Turn] {
        let half = probabilities.count / 2
        var least = half
        for index in half..<probabilities.count where probabilities[index] <= probabilities[least] { least = index }
        let place = begin + max(1, least)
        probabilities.removeFirst(max(1, least))
        self.begin = place
        if let silence, silence < place { self.silence = place }
        return [.ended(place), .began(place)]
    }

    /// Nothing follows: the end of the utterance that goes on, nil where none does.
    mutating func finish() -> Turn? {
        defer { end() }
        return begin == nil ? nil : .ended(silence.map(place) ?? count)
    }

    /// Where a silence begins.
    private func place(of silence: Int) -> Int { dip.map { silence - $0 <= 4 ? $0 : silence } ?? silence }

    private mutating func end() {
        (begin, candidate, silence, dip, resumption) = (nil, nil, nil, nil, nil)
        probabilities.removeAll(keepingCapacity: true)
    }
}
