import Sluice

/// An utterance on one connection, and whether its final may still come. Pure.
///
/// Some providers say which answer is that to a Finalize, others do not, and some say nothing where no word is left. So
/// it is over when the answer is told, when a final reaches the end of its speech, 0.5 s behind the last final, or 3 s
/// after the Finalize where it had no speech.
struct SentUtterance: Sendable {
    static let calm = Interval.milliseconds(500)
    static let patience = Interval.seconds(3)
    /// In s, by which a final may fall short of the end of the speech.
    static let slack = 0.3

    let key: Int
    /// In s on the connection's clock: the speech in it so far.
    private(set) var speech: ClosedRange<Double>?
    var writtenTo: Double
    /// When its Finalize left, and where on the connection's clock.
    private(set) var ended: (at: Instant, place: Double)?
    private var answered: Instant?

    init(key: Int, from place: Double) { (self.key, writtenTo) = (key, place) }

    mutating func end(_ now: Instant, at place: Double) { ended = ended ?? (now, place) }

    /// Speech goes on, or begins.
    mutating func heardSpeech(_ new: ClosedRange<Double>) {
        let start = speech?.lowerBound ?? new.lowerBound
        speech = start...max(start, new.upperBound)
    }

    /// Speech of it that has no text.
    var isUnwritten: Bool { unwritten != nil }

    /// From where its last text ends.
    var unwritten: ClosedRange<Double>? {
        guard let speech, speech.upperBound > writtenTo + SentUtterance.slack else { return nil }
        return max(speech.lowerBound, writtenTo)...speech.upperBound
    }

    /// A final of it. True where it is over.
    mutating func take(final end: Double?, _ now: Instant) -> Bool {
        if let end { writtenTo = max(writtenTo, end) }
        guard ended != nil else { return false }
        answered = now
        return end != nil && !isUnwritten
    }

    /// When it is over though nothing more comes.
    var due: Instant? {
        guard let ended else { return nil }
        if let answered { return answered + SentUtterance.calm }
        return isUnwritten ? nil : ended.at + SentUtterance.patience
    }
}
