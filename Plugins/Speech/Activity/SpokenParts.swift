import Sluice

/// Cuts what is spoken out of a stream of audio: hears windows of 32 ms, and hands out the frames of each utterance
/// from `preRoll` before it to `postRoll` behind it, as they come. Pure but for the detector. One lane only.
///
/// In a silence within an utterance frames are held back until it is known whether the utterance goes on. A hole of at
/// most half a second is silence; another jump of times ends the utterance.
final class SpokenParts {
    enum Part {
        /// The media time of its beginning, and how much later than that it is known.
        case began(MediaTime, known: MediaTime)
        /// In order, each once. True of the first one of an utterance.
        case audio(HeldFrames.Piece, isFirst: Bool)
        /// The media time of its end.
        case ended(MediaTime)
    }

    var settings: SpeechSettings {
        get { turns.settings }
        set { turns.settings = newValue }
    }
    /// Windows that the detector heard, and that the gate kept from it.
    private(set) var heard = 0
    private(set) var quiet = 0

    private static let longestHole = MediaTime.milliseconds(500)
    static let postRoll = 200.0

    private let detector: any VoiceDetector
    private let preRoll: Double
    private let audio = SpeechSamples()
    private var gate = EnergyGate()
    private var turns: SpeechTurns
    private var held = HeldFrames()
    private var timeline = AudioFrame.Timeline()
    private var layout: AudioLayout?
    private var epoch: UInt32 = 0
    /// Handed out up to this sample.
    private var sent: Int64 = 0
    private var isFirst = false

    /// `preRoll` in ms.
    init(_ settings: SpeechSettings, preRoll: Double, _ detector: any VoiceDetector) {
        (self.detector, self.preRoll, turns) = (detector, preRoll, SpeechTurns(settings))
    }

    var isSpeaking: Bool { turns.isSpeaking }

    /// Throws where the layout cannot be heard, or the detector fails.
    func take(_ frame: AudioFrame) throws -> [Part] {
        var parts: [Part] = []
        let header = frame.header
        if layout != frame.layout || epoch != header.epoch || !timeline.isContinued(by: header),
            try !bridge(to: frame)
        {
            parts = try finish()
            try begin(with: frame)
        }
        held.append(frame, first: timeline.count, time: timeline.end)
        timeline.advance(frame.sampleCount)
        try audio.append(frame)
        try hear(&parts)
        return parts
    }

    /// The stretch is over.
    func finish() throws -> [Part] {
        var parts: [Part] = []
        if timeline.isStarted, case .ended(let window)? = turns.finish() {
            end(sample(of: window), &parts)
        }
        return parts
    }

    private func begin(with frame: AudioFrame) throws {
        try audio.reset()
        held.removeAll()
        turns = SpeechTurns(settings)
        gate = EnergyGate()
        detector.reset()
        (layout, epoch, sent) = (frame.layout, frame.header.epoch, 0)
        let start = frame.header.pts.isKnown ? frame.header.pts : timeline.isStarted ? timeline.end : .zero
        timeline = AudioFrame.Timeline(start: start, rate: max(1, frame.layout.rate))
    }

    /// False where the frame begins a stretch of its own.
    private func bridge(to frame: AudioFrame) throws -> Bool {
        guard timeline.isStarted, layout == frame.layout, epoch == frame.header.epoch, frame.header.pts.isKnown else {
            return false
        }
        let hole = frame.header.pts - timeline.end
        guard hole >= .zero, hole <= SpokenParts.longestHole else { return false }
        let count = Int(hole.rescaled(to: Int64(timeline.rate)))
        timeline.advance(count)
        audio.append(zeros: Int(hole.rescaled(to: Int64(SpeechSamples.rate))))
        return true
    }

    // MARK: Windows

    private func hear(_ parts: inout [Part]) throws {
        var used = 0
        while audio.samples.count - used >= SpeechTurns.window {
            let probability: Float = try audio.samples.withUnsafeBufferPointer { samples in
                try self.probability(of: UnsafeBufferPointer(rebasing: samples[used..<used + SpeechTurns.window]))
            }
            used += SpeechTurns.window
            for turn in turns.take(probability) {
                switch turn {
                case .began(let window): begin(sample(of: window), &parts)
                case .ended(let window): end(sample(of: window), &parts)
                }
            }
            if turns.isSpeaking { handOut(to: reached, &parts) }
        }
        audio.removeFirst(used)
        let kept = samples(preRoll + settings.minSpeech + 2 * SpeechTurns.milliseconds)
        held.drop(before: turns.isSpeaking ? sent : max(sent, sample(of: turns.count) - kept))
    }

    private func probability(of window: UnsafeBufferPointer<Float>) throws -> Float {
        guard gate.opens(for: window) else {
            quiet += 1
            return 0
        }
        if gate.wasClosed { detector.reset() }
        heard += 1
        return try detector.probability(of: window)
    }

    /// The sample up to which it is heard; of a silence only its beginning counts.
    private var reached: Int64 {
        let all = sample(of: turns.count)
        return turns.silence.map { min(all, sample(of: $0) + samples(SpokenParts.postRoll)) } ?? all
    }

    private func begin(_ first: Int64, _ parts: inout [Part]) {
        let time = timeline.time(of: first)
        parts.append(.began(time, known: timeline.time(of: sample(of: turns.count)) - time))
        sent = max(sent, first - samples(preRoll))
        isFirst = true
    }

    private func end(_ last: Int64, _ parts: inout [Part]) {
        // Of an utterance that is cut the next one begins here.
        handOut(to: turns.isSpeaking ? last : min(timeline.count, last + samples(SpokenParts.postRoll)), &parts)
        parts.append(.ended(timeline.time(of: last)))
    }

    private func handOut(to end: Int64, _ parts: inout [Part]) {
        guard end > sent else { return }
        for piece in held.pieces(sent..<end) {
            parts.append(.audio(piece, isFirst: isFirst))
            isFirst = false
        }
        sent = end
    }

    // MARK: Counting

    /// The first sample of a window, at the rate that comes.
    private func sample(of window: Int) -> Int64 {
        Int64(window) * Int64(SpeechTurns.window) * Int64(timeline.rate) / Int64(SpeechSamples.rate)
    }

    private func samples(_ milliseconds: Double) -> Int64 { Int64(milliseconds * Double(timeline.rate) / 1_000) }
}
