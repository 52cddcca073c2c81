import Sluice

/// An utterance until its final, as the node knows it: times, and the last text. Pure.
struct OpenUtterance {
    /// The number by which the provider knows it.
    let key: Int
    /// That of its texts, 0 while there is none.
    var id = 0
    /// Media time of its first sample.
    let start: MediaTime
    let epoch: UInt32
    /// When its first sample was captured, on the graph's clock.
    let captured: Instant
    /// Samples at 16 kHz.
    var heard = 0
    var revision = 0
    private(set) var stable = StablePrefix()
    private(set) var last: Transcript?
    /// When its final was asked for.
    var ended: Instant?
    /// Some of it has a final text.
    private(set) var hasFinal = false

    init(key: Int, start: MediaTime, epoch: UInt32, captured: Instant) {
        (self.key, self.start, self.epoch, self.captured) = (key, start, epoch, captured)
    }

    /// The rest of it, behind a final text.
    func rest() -> OpenUtterance {
        var rest = OpenUtterance(key: key, start: start, epoch: epoch, captured: captured)
        (rest.heard, rest.ended, rest.hasFinal) = (heard, ended, true)
        return rest
    }

    var seconds: Double { Double(heard) / Double(SpeechSamples.rate) }

    /// A text of it as it is sent. Of words the graph's media time; it begins and ends with its speech where that is
    /// known.
    mutating func transcript(_ written: Written, isFinal: Bool, _ template: Transcript) -> Transcript {
        revision += 1
        let origin = start.seconds
        var result = template
        result.id = id
        result.revision = revision
        result.isFinal = isFinal
        result.words = written.words.map {
            Transcript.Word(text: $0.text, start: origin + $0.start, end: origin + $0.end, confidence: $0.confidence)
        }
        result.text = written.text
        let speech = written.speech ?? 0...seconds
        result.start = origin + speech.lowerBound
        result.end = origin + max(speech.upperBound, speech.lowerBound)
        if !written.words.isEmpty { result.confidence = written.confidence }
        result.language = written.language
        if result.speaker.isEmpty { result.speaker = written.speaker }
        if !isFinal { result.stable = stable.take(written.words.map(\.text)) }
        last = result
        return result
    }

    /// The last partial as its final. nil where there was none.
    mutating func timedOut() -> Transcript? {
        guard var result = last else { return nil }
        revision += 1
        (result.revision, result.isFinal, result.isTimedOut) = (revision, true, true)
        return result
    }
}
