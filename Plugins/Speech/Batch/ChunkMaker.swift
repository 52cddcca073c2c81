import Sluice

/// Makes chunks of audio as it comes: samples at 16 kHz with their places in the session, the ends of chunks with the
/// place where a batch may be cut, and whether somebody speaks in them. Pure but for the detector. One lane only.
///
/// Places are counted from samples. Where media time jumps ahead a chunk ends, and the next one begins at that distance
/// by the clock of the media; a jump back is none.
final class ChunkMaker {
    enum Piece: Equatable {
        /// From that sample of the session on.
        case samples(Int64, [Int16])
        /// The chunk is over. Its place to be cut is a sample of the session.
        case end(cut: Int64)
        /// Of the chunk that ended last.
        case decided(isSilent: Bool)
    }

    /// In samples: what is kept in memory before it goes to the disk, 200 ms.
    static let step = 3_200
    /// Speech may begin so early, and end so late, without being heard as such: windows.
    private static let (before, after) = (10, 7)
    /// Windows of speech that decide: what is softer than an utterance's beginning counts.
    private static let least: Float = 0.35

    private let detector: (any VoiceDetector)?
    /// In samples, a whole number of windows.
    private let length: Int
    private let audio = SpeechSamples()
    private var gate = EnergyGate()
    private var cut = ChunkCut()
    private var timeline = AudioFrame.Timeline()
    private var layout: AudioLayout?
    /// Media time of sample 0.
    private(set) var origin = MediaTime.none
    /// The sample of the session behind the last one that was handed out, and that of the chunk's first.
    private var (place, first): (Int64, Int64) = (0, 0)
    private var waiting: [Int16] = []
    private var hasSpeech = false
    /// Windows since the last one with speech.
    private var quiet = Int.max
    /// Windows until it is known that the chunk that ended last is silent; nil where it is known.
    private var deciding: Int?

    /// Chunks of so many s. Without a detector all that is loud is speech.
    init(_ detector: (any VoiceDetector)?, seconds: Double) {
        self.detector = detector
        let windows = (seconds * Double(SpeechSamples.rate) / Double(SpeechTurns.window)).rounded()
        length = max(1, Int(windows)) * SpeechTurns.window
    }

    /// Throws where the layout cannot be heard, or the detector fails.
    func take(_ frame: AudioFrame) throws -> [Piece] {
        var pieces: [Piece] = []
        let header = frame.header
        if layout != frame.layout || !timeline.isContinued(by: header) {
            finish(&pieces)
            try begin(with: frame)
        }
        timeline.advance(frame.sampleCount)
        try audio.append(frame)
        try hear(&pieces)
        return pieces
    }

    /// Nothing follows, or another stretch does.
    func finish() -> [Piece] {
        var pieces: [Piece] = []
        finish(&pieces)
        return pieces
    }

    private func begin(with frame: AudioFrame) throws {
        let pts = frame.header.pts
        let start = pts.isKnown ? pts : timeline.isStarted ? timeline.end : .zero
        if !origin.isKnown { origin = start }
        place = max(place, (start - origin).rescaled(to: Int64(SpeechSamples.rate)))
        first = place
        try audio.reset()
        detector?.reset()
        (gate, layout) = (EnergyGate(), frame.layout)
        timeline = AudioFrame.Timeline(start: start, rate: max(1, frame.layout.rate))
    }

    private func hear(_ pieces: inout [Piece]) throws {
        var used = 0
        while audio.samples.count - used >= SpeechTurns.window {
            let probability: Float = try audio.samples.withUnsafeBufferPointer { samples in
                try self.probability(of: UnsafeBufferPointer(rebasing: samples[used..<used + SpeechTurns.window]))
            }
            waiting.append(contentsOf: audio.samples[used..<used + SpeechTurns.window].lazy.map(PCM.number))
            used += SpeechTurns.window
            heard(probability, &pieces)
            if waiting.count >= ChunkMaker.step { handOut(&pieces) }
            if Int(place - first) + waiting.count >= length { endChunk(&pieces) }
        }
        audio.removeFirst(used)
    }

    private func probability(of window: UnsafeBufferPointer<Float>) throws -> Float {
        guard gate.opens(for: window) else { return 0 }
        guard let detector else { return 1 }
        if gate.wasClosed { detector.reset() }
        return try detector.probability(of: window)
    }

    private func heard(_ probability: Float, _ pieces: inout [Piece]) {
        cut.take(probability)
        let isSpeech = probability >= ChunkMaker.least
        quiet = isSpeech ? 0 : quiet == .max ? .max : quiet + 1
        if quiet <= ChunkMaker.after { hasSpeech = true }
        guard let left = deciding else { return }
        deciding = left > 1 && !isSpeech ? left - 1 : nil
        if deciding == nil { pieces.append(.decided(isSilent: !isSpeech)) }
    }

    private func handOut(_ pieces: inout [Piece]) {
        guard !waiting.isEmpty else { return }
        pieces.append(.samples(place, waiting))
        place += Int64(waiting.count)
        waiting.removeAll(keepingCapacity: true)
    }

    private func endChunk(_ pieces: inout [Piece]) {
        handOut(&pieces)
        guard place > first else { return }
        if deciding != nil { pieces.append(.decided(isSilent: true)) }
        pieces.append(.end(cut: min(place, first + Int64(cut.place()))))
        deciding = hasSpeech ? nil : ChunkMaker.before
        if hasSpeech { pieces.append(.decided(isSilent: false)) }
        (first, hasSpeech) = (place, false)
    }

    private func finish(_ pieces: inout [Piece]) {
        // Less than a window.
        waiting.append(contentsOf: audio.samples.lazy.map(PCM.number))
        audio.removeFirst(audio.samples.count)
        endChunk(&pieces)
        if deciding != nil { pieces.append(.decided(isSilent: true)) }
        (deciding, quiet) = (nil, .max)
        timeline = AudioFrame.Timeline(start: timeline.end, rate: timeline.rate)
    }
}
