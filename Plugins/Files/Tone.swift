import Glibc
import Sluice

/// A sine of 1 kHz at −18 dBFS in all channels, without end. In the first 100 ms of each second it is an octave higher,
/// together with the pattern's flash. Frames of 20 ms.
///
/// Both tones pass through 0 upwards at each change, so the phase never jumps. One second is computed once, then
/// copied.
final class Tone: SourceMedia {
    private let audioFormat: MediaFormat
    private let second: AudioFrame
    private var pool = Pool<AudioFrame>()
    private var position = 0
    private var frame = 0

    static let framesPerSecond = 50

    /// 16-bit samples at `rate` Hz.
    init(rate: Int, channels: Int) {
        audioFormat = MediaFormat(audio: AudioLayout(.s16, rate: rate, channels: channels))
        second = AudioFrame(format: audioFormat, sampleCount: rate)
        // −18 dBFS: 10^(−18/20) of full scale.
        let amplitude = 32_767 * pow(10, -18.0 / 20)
        let samples = second.s16
        for index in 0..<rate {
            let isPip = index * 10 < rate
            // Reduced to one period before the sine, so that every period has the same samples.
            let cycles = (index * (isPip ? 2_000 : 1_000)) % rate
            let value = Int16((amplitude * sin(2 * Double.pi * Double(cycles) / Double(rate))).rounded())
            for channel in 0..<channels { samples[index * channels + channel] = value }
        }
    }

    func format(_ track: Track) -> MediaFormat? { track == .audio ? audioFormat : nil }

    func next(_ track: Track) -> Pull {
        guard track == .audio else { return .end }
        let rate = audioFormat.audio!.rate
        // Where the frame length is no whole number of samples, lengths alternate and the grid stays exact.
        let end = (frame + 1) * rate / Tone.framesPerSecond
        let samples = pool.take(audioFormat, sampleCount: end - position)
        copy(into: samples, from: position % rate)
        samples.header.pts = MediaTime(Int64(position), timescale: Int64(rate))
        samples.header.dts = samples.header.pts
        samples.header.duration = MediaTime(Int64(end), timescale: Int64(rate)) - samples.header.pts
        position = end
        frame += 1
        return .item(samples)
    }

    func skip(_ track: Track, to time: MediaTime) -> Int {
        let rate = audioFormat.audio!.rate
        let before = frame
        frame = max(frame, Int(clamping: time.rescaled(to: Int64(Tone.framesPerSecond))))
        position = frame * rate / Tone.framesPerSecond
        return frame - before
    }

    private func copy(into samples: AudioFrame, from start: Int) {
        let width = samples.layout.bytesPerSample
        let first = min(samples.sampleCount, second.sampleCount - start)
        let bytes = samples.mutableBytes.baseAddress!
        bytes.copyMemory(from: second.bytes.baseAddress! + start * width, byteCount: first * width)
        (bytes + first * width).copyMemory(
            from: second.bytes.baseAddress!, byteCount: (samples.sampleCount - first) * width)
    }

    func restart() -> Bool { false }
}
