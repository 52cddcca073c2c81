/// The speech in the audio of an utterance, without its long silences: Whisper invents text for a silence, most often
/// the sentence that comes behind it. Pure.
struct SpokenAudio {
    /// Silence in samples that stays on either side of what is spoken: 300 ms.
    static let margin = 4_800
    /// In ms: a shorter silence stays whole.
    static let shortest = 1_000.0

    /// Mono at 16 kHz.
    let samples: [Float]
    /// In s from the beginning of the whole, from the first speech to the last.
    let speech: ClosedRange<Double>
    /// Places of its parts in the whole and in `samples`.
    private var places: [(whole: Int, part: Int)] = []

    /// `spoken` are ranges of windows of `SpeechTurns`, in order. nil where there is none.
    init?(_ whole: [Float], spoken: [Range<Int>]) {
        guard let first = spoken.first, let last = spoken.last else { return nil }
        let seconds = SpeechTurns.milliseconds / 1_000
        speech = Double(first.lowerBound) * seconds...Double(max(first.lowerBound, last.upperBound)) * seconds
        var kept: [Float] = []
        var end = 0
        for part in spoken {
            let start = max(end, part.lowerBound * SpeechTurns.window - SpokenAudio.margin)
            end = min(whole.count, max(start, part.upperBound * SpeechTurns.window + SpokenAudio.margin))
            guard start < end else { continue }
            places.append((start, kept.count))
            kept += whole[start..<end]
        }
        samples = kept
    }

    /// The time in the whole, in s, of a time in `samples`.
    func time(_ seconds: Double) -> Double {
        let place = seconds * Double(SpeechSamples.rate)
        guard let part = places.last(where: { Double($0.part) <= place }) ?? places.first else { return seconds }
        return seconds + Double(part.whole - part.part) / Double(SpeechSamples.rate)
    }
}
