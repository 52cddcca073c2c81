import Sluice

/// Tells when somebody speaks, and cuts out what is spoken.
public final class VoiceActivity: Node {
    public static let descriptor = NodeDescriptor(
        "voice-activity", summary: "Tells when somebody speaks, and cuts out what is spoken", work: .heavy,
        example: #""voice": { "type": "voice-activity", "hang_over_ms": 700 }"#)

    let input = Input<AudioFrame>("in", .rawAudio)
    let output = Output<AudioFrame>("out", follows: "in", optional: true)
    let speech = Output<AudioFrame>("speech", follows: "in", optional: true)
    let speaking = ValueOutput("speaking", help: "1 when an utterance begins, 0 when it has ended.")
    let started = RequestOutput("started", help: "Sent when an utterance begins.")
    let ended = RequestOutput("ended", help: "Sent when an utterance has ended.")

    @Live(
        "threshold", default: 0.5, range: 0.01...1,
        help: "The probability of speech at which an utterance begins. Higher ones hear less noise as speech.")
    var threshold: Double
    @Live(
        "release", default: 0.35, range: 0...1,
        help: "The probability below which silence begins within an utterance.")
    var release: Double
    @Live("min_speech_ms", default: 60, range: 0...2_000, help: "The length in ms that speech has at least.")
    var minSpeech: Double
    @Live(
        "hang_over_ms", default: 500, range: 50...10_000,
        help: "The silence in ms that ends an utterance. More of it waits for speakers who think, as for a number.")
    var hangOver: Double
    @Live(
        "max_speech_s", default: 30, range: 1...600,
        help: "The length in s at which an utterance is cut, where speech is least likely.")
    var maxSpeech: Double
    @Parameter(
        "pre_roll_ms", default: 300, range: 0...2_000, help: "The audio in ms that speech has in front of an utterance."
    )
    var preRoll: Double

    private var context: NodeContext!
    private var parts: SpokenParts!
    private var pool = Pool<AudioFrame>()
    private var utterances: Metric.Counter!
    private var heard: Metric.Counter!
    private var quiet: Metric.Counter!
    private var spoken: Metric.Counter!
    private var known: Metric.Histogram!
    private var began = MediaTime.none

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        guard release <= threshold else {
            throw NodeError(
                "release is \(release) and threshold \(threshold)", advice: "Let release be the lower one.",
                isInputError: true)
        }
        guard let engine = try context.service((any SpeechEngine).self) else {
            throw NodeError("no plugin provides speech", advice: "Add one to the plugin path.", isInputError: true)
        }
        parts = SpokenParts(settings, preRoll: preRoll, try engine.detector())
        utterances = context.counter("utterances")
        heard = context.counter("heard_ms")
        quiet = context.counter("quiet_ms")
        spoken = context.counter("speech_ms")
        known = context.histogram("told_after_ms")
        if let format = input.format {
            output.fix(format)
            speech.fix(format)
        }
        // A silence is held back until the utterance goes on, or ends.
        speech.latency = .init(min: .zero, max: .milliseconds(Int64(hangOver)))
    }

    private var settings: SpeechSettings {
        SpeechSettings(
            threshold: threshold, release: min(release, threshold), minSpeech: minSpeech, hangOver: hangOver,
            maxSpeech: maxSpeech)
    }

    public func process(now: Instant) throws {
        if context.reasons.contains(.control) { parts.settings = settings }
        while let frame = input.next() {
            output.send(frame)
            for part in try parts.take(frame) { pass(part, like: frame.header) }
        }
        heard.set(Int(Double(parts.heard) * SpeechTurns.milliseconds))
        quiet.set(Int(Double(parts.quiet) * SpeechTurns.milliseconds))
    }

    public func finish(now: Instant) throws -> Bool {
        for part in try parts.finish() { pass(part, like: nil) }
        return true
    }

    public func close() { parts = nil }

    private func pass(_ part: SpokenParts.Part, like header: MediaItem.Header?) {
        switch part {
        case .began(let time, let after):
            began = time
            utterances.add()
            known.record(Int(after.milliseconds))
            speaking.send(1)
            started.send()
        case .audio(let piece, let isFirst):
            speech.send(frame(piece, isFirst: isFirst))
        case .ended(let time):
            if began.isKnown { spoken.add(max(0, Int((time - began).milliseconds))) }
            began = .none
            speaking.send(0)
            ended.send()
            speech.placeFence()
        }
    }

    /// The frame itself where it is whole and says nothing that is not so here.
    private func frame(_ piece: HeldFrames.Piece, isFirst: Bool) -> AudioFrame {
        let from = piece.frame
        guard isFirst || !piece.isWhole || from.header.flags.contains(.discontinuity) else { return from }
        let made = pool.take(from.format, sampleCount: piece.count)
        let size = from.layout.bytesPerSample
        made.mutableBytes.copyMemory(
            from: UnsafeRawBufferPointer(rebasing: from.bytes[piece.first * size..<(piece.first + piece.count) * size]))
        made.header = from.header
        made.header.pts = piece.time + MediaTime(Int64(piece.first), timescale: Int64(max(1, from.layout.rate)))
        made.header.dts = made.header.pts
        made.header.duration = made.sampleDuration
        made.header.flags.remove(.discontinuity)
        if isFirst { made.header.flags.insert(.discontinuity) }
        return made
    }
}

extension VoiceActivity {
    public static let metrics: [Metric] = [
        .counter("utterances", "Utterances that began."),
        .counter("speech_ms", "Speech in ms, without the silence around it."),
        .counter("heard_ms", "Audio in ms that the detector heard."),
        .counter("quiet_ms", "Audio in ms that was too soft to be speech, which the detector was spared."),
        .histogram(
            "told_after_ms", "The media in ms from the beginning of an utterance to the moment at which it is told."),
    ]
}
