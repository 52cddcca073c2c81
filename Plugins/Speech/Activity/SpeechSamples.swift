import Resampling
import Sluice

/// Makes mono floats at 16 kHz of any raw audio. One lane only.
final class SpeechSamples {
    static let rate = 16_000
    private static let layout = AudioLayout(.f32, rate: rate, channels: 1)
    private static let format = MediaFormat(audio: layout)

    private var resampler: Resampler?
    private var from: AudioLayout?
    private var frame = AudioFrame(format: format, sampleCount: 0)
    /// Of those that were made: the last are kept by the owner as long as it needs them.
    private(set) var samples: [Float] = []

    /// Appends the samples of `frame` to `samples`. Throws where the layout is none that can be converted.
    func append(_ frame: AudioFrame) throws {
        let layout = frame.layout
        if layout.rate == SpeechSamples.rate, layout.channels == 1 {
            switch layout.sampleFormat {
            case .s16: for sample in frame.s16 { samples.append(Float(sample) / 32_768) }
            case .f32: samples.append(contentsOf: frame.f32)
            case nil: break
            }
            return
        }
        if from != layout {
            guard layout.rate > 0, 1...64 ~= layout.channels else {
                throw NodeError("samples of \(frame.format) cannot be heard")
            }
            resampler = try Resampler(from: layout, to: SpeechSamples.layout)
            from = layout
        }
        guard let resampler else { return }
        self.frame.reset(format: SpeechSamples.format, sampleCount: resampler.room(for: frame.sampleCount))
        let count = try resampler.convert(frame, into: self.frame)
        samples.append(contentsOf: self.frame.f32.prefix(count))
    }

    /// Silence.
    func append(zeros count: Int) { samples.append(contentsOf: repeatElement(0, count: count)) }

    func removeFirst(_ count: Int) { samples.removeFirst(count) }

    /// The next frame does not continue the last one.
    func reset() throws {
        samples.removeAll(keepingCapacity: true)
        try resampler?.reset()
    }
}
