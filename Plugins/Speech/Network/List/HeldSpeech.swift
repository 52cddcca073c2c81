import Sluice

/// The audio that has no final yet, so that another connection, or another provider, can have it: 30 s at most. Pure.
struct HeldSpeech: Sendable {
    struct Utterance: Sendable {
        let key: Int
        /// The sample of the utterance with which `samples` begins.
        var offset = 0
        /// The sample up to which it has its final text, or has been given up. Silence may be dropped beyond it.
        var written = 0
        var samples: [Int16] = []
        /// Where speech is, in samples of the utterance.
        var speech: [Range<Int>] = []
        /// When it was over; nil while it goes on.
        var ended: Instant?
        /// How often it was sent from its beginning since a text of it came.
        var tries = 0

        var end: Int { offset + samples.count }

        /// Samples of speech in a part of it.
        func speech(in part: Range<Int>) -> Int {
            speech.reduce(0) { $0 + $1.clamped(to: part).count }
        }

        /// Of those that are held.
        var heldSpeech: Int { speech(in: offset..<end) }

        mutating func drop(before sample: Int) {
            let count = min(max(0, sample - offset), samples.count)
            guard count > 0 else { return }
            samples.removeFirst(count)
            offset += count
            speech.removeAll { $0.upperBound <= offset }
        }
    }

    /// Audio that nobody can write any more.
    struct Lost: Equatable, Sendable {
        var key: Int
        /// The sample of the utterance with which `samples` begins.
        var offset: Int
        var samples: [Int16]
        /// Samples of speech in it.
        var speech: Int
    }

    /// Samples at 16 kHz.
    static let most = 30 * SpeechSamples.rate
    /// Of silence behind the last text, before speech that may just have begun.
    static let silence = SpeechSamples.rate
    /// Dropped at a time, so that memory does not move with every frame.
    private static let piece = 8_000

    private(set) var utterances: [Utterance] = []
    private var total = 0

    mutating func begin(_ key: Int) { utterances.append(Utterance(key: key)) }

    /// Of the utterance that began last; `speech` of the samples that so many others are behind are speech. Gives what
    /// had to be dropped for them.
    mutating func hear(_ samples: some Collection<Int16>, speech: Int, behind pending: Int = 0) -> Lost? {
        guard let last = utterances.indices.last else { return nil }
        utterances[last].samples.append(contentsOf: samples)
        total += samples.count
        let end = utterances[last].end
        if speech > 0 {
            let to = max(utterances[last].offset, end - pending)
            let from = max(utterances[last].offset, to - speech)
            if let known = utterances[last].speech.last, known.upperBound >= from - 1 {
                let whole = known.lowerBound..<max(to, known.upperBound)
                utterances[last].speech[utterances[last].speech.count - 1] = whole
            } else {
                utterances[last].speech.append(from..<to)
            }
        } else if utterances[last].speech.isEmpty,
            utterances[last].samples.count > HeldSpeech.silence + HeldSpeech.piece
        {
            drop(at: last, before: end - HeldSpeech.silence)
        }
        return total > HeldSpeech.most ? shorten() : nil
    }

    private mutating func shorten() -> Lost? {
        guard let index = utterances.indices.first(where: { !utterances[$0].samples.isEmpty }) else { return nil }
        let first = utterances[index]
        let count = min(first.samples.count, max(HeldSpeech.piece, total - HeldSpeech.most))
        let lost = Lost(
            key: first.key, offset: first.offset, samples: Array(first.samples.prefix(count)),
            speech: first.speech(in: first.offset..<first.offset + count))
        drop(at: index, before: first.offset + count)
        utterances[index].written = max(first.written, first.offset + count)
        return lost
    }

    private mutating func drop(at index: Int, before sample: Int) {
        let count = utterances[index].samples.count
        utterances[index].drop(before: sample)
        total -= count - utterances[index].samples.count
    }

    /// The utterance that began last is over.
    mutating func end(_ now: Instant) {
        if let last = utterances.indices.last { utterances[last].ended = utterances[last].ended ?? now }
    }

    subscript(_ key: Int) -> Utterance? { utterances.first { $0.key == key } }

    /// There is a final up to that sample of the utterance.
    mutating func wrote(_ key: Int, to sample: Int) {
        guard let index = utterances.firstIndex(where: { $0.key == key }) else { return }
        utterances[index].tries = 0
        utterances[index].written = max(utterances[index].written, sample)
        drop(at: index, before: sample)
    }

    /// It is sent from its beginning once more.
    mutating func tried(_ key: Int) {
        guard let index = utterances.firstIndex(where: { $0.key == key }) else { return }
        utterances[index].tries += 1
    }

    /// Nothing more comes of it.
    @discardableResult
    mutating func close(_ key: Int) -> Utterance? {
        guard let index = utterances.firstIndex(where: { $0.key == key }) else { return nil }
        total -= utterances[index].samples.count
        return utterances.remove(at: index)
    }
}
