/// Where somebody speaks in audio that is there as a whole. Pure but for the detector.
enum SpokenRanges {
    /// Ranges of windows of `SpeechTurns`, in order, of mono samples at 16 kHz. Throws where the detector cannot
    /// compute.
    static func find(
        _ samples: [Float], _ detector: any VoiceDetector, _ settings: SpeechSettings
    ) throws -> [Range<Int>] {
        detector.reset()
        var turns = SpeechTurns(settings)
        var (found, begin): ([Range<Int>], Int?) = ([], nil)
        func take(_ turn: SpeechTurns.Turn) {
            switch turn {
            case .began(let first): begin = first
            case .ended(let last):
                if let first = begin { found.append(first..<max(first, last)) }
            }
        }
        try samples.withUnsafeBufferPointer { samples in
            var at = 0
            while samples.count - at >= SpeechTurns.window {
                let window = UnsafeBufferPointer(rebasing: samples[at..<at + SpeechTurns.window])
                for turn in turns.take(try detector.probability(of: window)) { take(turn) }
                at += SpeechTurns.window
            }
        }
        if let turn = turns.finish() { take(turn) }
        return found
    }
}
