import Sluice
import SluiceTesting

@testable import SpeechPlugin

/// A detector that says what a test wants: speech is what is louder than a tenth of full scale, or than `threshold`.
final class LoudnessDetector: VoiceDetector {
    var resets = 0
    private let threshold: Float

    init(threshold: Float = 0.1) { self.threshold = threshold }

    func probability(of window: UnsafeBufferPointer<Float>) -> Float {
        window.contains { abs($0) > threshold } ? 1 : 0
    }

    func reset() { resets += 1 }
}

/// A provider that keeps what it is told, and says what a test puts into it.
final class ScriptedProvider: SpeechProvider {
    let name = "scripted"
    var hasRoom = true
    var heard: [Int: Int] = [:]
    var finalized: [Int] = []
    var events: [ProviderEvent] = []
    var isClosed = false
    /// Says a final of these words for each utterance as soon as it is over.
    var echo: String?
    /// The first sample that it heard.
    var firstSample: Float = 0
    private var utterance = 0

    func begin(_ utterance: Int) { self.utterance = utterance }
    func hear(_ samples: ArraySlice<Float>) {
        if firstSample == 0 { firstSample = samples.first ?? 0 }
        heard[utterance, default: 0] += samples.count
    }
    func finalize() {
        finalized.append(utterance)
        if let echo { events.append(.final(utterance, Written.of(echo))) }
    }
    func next() -> ProviderEvent? { events.isEmpty ? nil : events.removeFirst() }
    func close() { isClosed = true }
}

/// An engine of those two.
final class ScriptedEngine: SpeechEngine, @unchecked Sendable {
    let provider = ScriptedProvider()
    /// Those that were asked for: the first is `provider`.
    private(set) var made: [ScriptedProvider] = []

    func detector() -> any VoiceDetector { LoudnessDetector() }

    func local(
        model: String, _ settings: LocalProvider.Settings, inbox: NodeContext.Inbox<ProviderEvent>?
    ) -> any SpeechProvider {
        let next = made.isEmpty ? provider : ScriptedProvider()
        next.echo = provider.echo
        made.append(next)
        return next
    }

    var registry: NodeRegistry {
        let registry = NodeRegistry()
        registry.provide((any SpeechEngine).self, scope: .run) { self }
        return registry
    }
}

extension Written {
    /// Words of a tenth of a second each, of which the first begins at 0.5 s.
    static func of(_ text: String) -> Written {
        let words = text.split(separator: " ").enumerated().map { index, word in
            Written.Word(
                text: String(word), start: 0.5 + Double(index) / 10, end: 0.6 + Double(index) / 10, confidence: 0.5)
        }
        return Written(words: words, confidence: 0.5, language: "en", speech: 0.5...0.5 + Double(words.count) / 10)
    }
}

/// Audio whose samples say which they are: loud where speech is wanted.
enum Loudness {
    /// Frames of 20 ms from 0 on; `isLoud` says it of each ms.
    static func frames(
        milliseconds: Int, rate: Int = 16_000, channels: Int = 1, from start: MediaTime = .zero,
        isLoud: (Int) -> Bool
    ) -> [AudioFrame] {
        let format = MediaFormat(audio: AudioLayout(.s16, rate: rate, channels: channels))
        let count = rate / 50
        return (0..<milliseconds / 20).map { number in
            let frame = AudioFrame(format: format, sampleCount: count)
            for sample in 0..<count {
                let index = number * count + sample
                let value = isLoud(index * 1_000 / rate) ? 16_000 + index % 1_000 : index % 7
                for channel in 0..<channels { frame.s16[sample * channels + channel] = Int16(value) }
            }
            frame.header.pts = start + MediaTime(Int64(number * count), timescale: Int64(rate))
            frame.header.dts = frame.header.pts
            frame.header.duration = frame.sampleDuration
            return frame
        }
    }
}
