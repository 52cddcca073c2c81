/// Counts speech as it passes, 32 ms at a time. One lane only.
final class SpeechMeter {
    private let detector: (any VoiceDetector)?
    private var gate = EnergyGate()
    private var window: [Float] = []

    /// Without a detector everything is speech that is loud enough for one.
    init(_ detector: (any VoiceDetector)?) { self.detector = detector }

    /// Samples that came and belong to no whole window yet.
    var pending: Int { window.count }

    /// Samples of speech in the windows that these ones end.
    func take(_ samples: ArraySlice<Float>) -> Int {
        window.append(contentsOf: samples)
        var (at, speech) = (0, 0)
        window.withUnsafeBufferPointer { all in
            while all.count - at >= SpeechTurns.window {
                let one = UnsafeBufferPointer(rebasing: all[at..<at + SpeechTurns.window])
                if gate.opens(for: one) {
                    if gate.wasClosed { detector?.reset() }
                    let probability = detector.map { (try? $0.probability(of: one)) ?? 0 } ?? 1
                    if probability >= 0.5 { speech += SpeechTurns.window }
                }
                at += SpeechTurns.window
            }
        }
        window.removeFirst(at)
        return speech
    }
}
