import Sluice

/// Says which speech stays unwritten, and sends its audio on. One lane only.
final class LostAudio {
    static let format = MediaFormat(audio: AudioLayout(.s16, rate: SpeechSamples.rate, channels: 1))
    /// In s: each stretch that is as long is said; of shorter ones the first.
    static let worthSaying = 2.0
    /// Samples of a frame.
    private static let piece = 1_600

    private let context: NodeContext
    private let metrics: SpeechMetrics
    private var hasSaid = false
    /// The end of the stretch that was lost last, which the next may continue.
    private var last: (key: Int, end: Int) = (0, 0)

    init(_ context: NodeContext, _ metrics: SpeechMetrics) { (self.context, self.metrics) = (context, metrics) }

    /// All of an utterance, whose audio nobody has any more.
    func miss(_ utterance: OpenUtterance, _ why: String) {
        metrics.unwritten.add(Int(utterance.seconds * 1_000))
        say(utterance.seconds, at: utterance.start.seconds, why)
    }

    func take(_ audio: HeldSpeech.Lost, of utterance: OpenUtterance, _ why: String, to output: Output<AudioFrame>) {
        let speech = Double(audio.speech) / Double(SpeechSamples.rate)
        metrics.unwritten.add(Int(speech * 1_000))
        let start = utterance.start + MediaTime(Int64(audio.offset), timescale: Int64(SpeechSamples.rate))
        let goesOn = last.key == audio.key && last.end == audio.offset
        if !goesOn || speech >= LostAudio.worthSaying { say(speech, at: start.seconds, why) }
        last = (audio.key, audio.offset + audio.samples.count)
        guard output.isConnected else { return }
        for first in stride(from: 0, to: audio.samples.count, by: LostAudio.piece) {
            let count = min(LostAudio.piece, audio.samples.count - first)
            let frame = AudioFrame(format: LostAudio.format, sampleCount: count)
            for index in 0..<count { frame.s16[index] = audio.samples[first + index] }
            frame.header.pts = start + MediaTime(Int64(first), timescale: Int64(SpeechSamples.rate))
            frame.header.dts = frame.header.pts
            frame.header.duration = frame.sampleDuration
            frame.header.epoch = utterance.epoch
            frame.header.captured = utterance.captured
            if first == 0, !goesOn { frame.header.flags.insert(.discontinuity) }
            output.send(frame)
        }
        output.placeFence()
    }

    private func say(_ seconds: Double, at start: Double, _ why: String) {
        guard seconds >= LostAudio.worthSaying || !hasSaid else { return }
        hasSaid = true
        context.log(
            .warning, "\(Tenths.text(seconds)) s of speech at \(Tenths.text(start)) s stay unwritten: \(why)")
    }
}
