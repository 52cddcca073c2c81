import Sluice

/// Makes up samples where some are missing, so that neither the hole nor its ends are heard as a click.
///
/// The last pitch period is repeated, full for 20 ms and then faded out until 100 ms, with silence after that. Where
/// media come back they are blended in over 5 ms. It is the idea of ITU-T G.711 Appendix I (1999), without its delay:
/// instead of rewriting what was sent already, the step at the first seam is spread over 1.5 ms. The period is what
/// matches the last 10 ms best, by normalised correlation at about 8 kHz; for noise any does.
final class Concealer {
    private let layout: AudioLayout
    private let rate: Int
    private let channels: Int
    private var history: SampleHistory
    /// The period that is repeated, interleaved.
    private let period: UnsafeMutablePointer<Float>
    private var periodLength = 0
    private let step: UnsafeMutablePointer<Float>
    private let mono: UnsafeMutablePointer<Float>
    /// Samples made up since the hole began; negative where none is open.
    private var made = -1
    /// Real samples blended in since they came back.
    private var blended = 0
    private var fadeFrom = 0
    private var fadeLength = 1

    static let historySeconds = 0.05
    private let blendLength: Int

    init(_ layout: AudioLayout) {
        self.layout = layout
        rate = layout.rate
        channels = layout.channels
        let count = Int(Double(rate) * Concealer.historySeconds)
        history = SampleHistory(count: count, sampleBytes: layout.bytesPerSample)
        period = .allocate(capacity: max(1, count * channels))
        step = .allocate(capacity: max(1, channels))
        mono = .allocate(capacity: max(1, count))
        blendLength = max(1, rate / 200)
    }

    deinit {
        period.deallocate()
        step.deallocate()
        mono.deallocate()
    }

    /// Samples lately heard, the latest last: what a resampler begins with.
    var recent: (bytes: UnsafeRawPointer, count: Int) { (history.bytes, history.held) }

    /// A hole is open, or its end is being blended in; otherwise what was heard is asked for before the next one.
    var isOpen: Bool { made >= 0 }

    /// Forgets what was heard; `remember` follows.
    func forget() { history.clear() }
    /// These were heard behind those remembered before.
    func remember(_ samples: UnsafeRawPointer, _ count: Int) { history.append(samples, count) }

    // MARK: Media

    /// Real samples that go out: blends them in where a hole, or a seam, was before them.
    func pass(_ samples: UnsafeMutableRawPointer, _ count: Int) {
        guard made >= 0 else { return }
        if layout.sampleFormat == .s16 {
            blend(samples, count, as: Int16.self)
        } else {
            blend(samples, count, as: Float.self)
        }
    }

    /// The next audio does not continue the audio that was heard.
    func seam() { if made < 0 { begin(fade: 0.02, length: 0.08) } else { blended = 0 } }

    /// How long what was heard fades where nothing more comes of it, in seconds: no click, and soon silent.
    private static let endFade = 0.005

    /// Makes up `count` samples. `isEnd`: nothing more comes of what was heard, so it fades out at once.
    func make(_ samples: UnsafeMutableRawPointer, _ count: Int, isEnd: Bool = false) {
        if made < 0 {
            if isEnd { begin(fade: 0, length: Concealer.endFade) } else { begin(fade: 0.02, length: 0.08) }
        } else if isEnd, made < fadeFrom {
            (fadeFrom, fadeLength) = (made, max(1, Int(Double(rate) * Concealer.endFade)))
        }
        blended = 0
        if layout.sampleFormat == .s16 {
            fill(samples, count, as: Int16.self)
        } else {
            fill(samples, count, as: Float.self)
        }
    }

    private func blend<S: PCMSample>(_ raw: UnsafeMutableRawPointer, _ count: Int, as: S.Type) {
        let samples = raw.assumingMemoryBound(to: S.self)
        let wanted = min(count, blendLength - blended)
        for index in 0..<wanted {
            let share = Float(blended + index + 1) / Float(blendLength + 1)
            for channel in 0..<channels {
                let place = index * channels + channel
                let old = value(made + index, channel)
                samples[place] = S(level: old + (samples[place].level - old) * share)
            }
        }
        made += wanted
        blended += wanted
        if blended >= blendLength { made = -1 }
    }

    private func fill<S: PCMSample>(_ raw: UnsafeMutableRawPointer, _ count: Int, as: S.Type) {
        let samples = raw.assumingMemoryBound(to: S.self)
        let audible = min(count, max(0, fadeFrom + fadeLength - made))
        for index in 0..<audible {
            for channel in 0..<channels { samples[index * channels + channel] = S(level: value(made + index, channel)) }
        }
        let silent = (count - audible) * layout.bytesPerSample
        (raw + audible * layout.bytesPerSample).initializeMemory(as: UInt8.self, repeating: 0, count: silent)
        made = min(made + count, .max / 2)
    }

    /// The made-up sample number `index` of the hole.
    private func value(_ index: Int, _ channel: Int) -> Float {
        guard periodLength > 0, index < fadeFrom + fadeLength else { return 0 }
        let gain = index < fadeFrom ? 1 : 1 - Float(index - fadeFrom) / Float(fadeLength)
        var sample = period[index % periodLength * channels + channel]
        let bridge = max(1, rate * 3 / 2_000)
        if index < bridge { sample += step[channel] * (1 - Float(index) / Float(bridge)) }
        return sample * gain
    }

    // MARK: The period

    private func begin(fade from: Double, length: Double) {
        made = 0
        blended = 0
        fadeFrom = Int(Double(rate) * from)
        fadeLength = max(1, Int(Double(rate) * length))
        if layout.sampleFormat == .s16 { prepare(as: Int16.self) } else { prepare(as: Float.self) }
    }

    private func prepare<S: PCMSample>(as: S.Type) {
        periodLength = 0
        let held = history.held
        let factor = max(1, rate / 8_000)
        // 16 ms of period and 10 ms to compare, at least.
        guard held >= rate * 30 / 1_000 else { return }
        let samples = history.bytes.assumingMemoryBound(to: S.self)
        let coarse = held / factor
        let first = held - coarse * factor
        for index in 0..<coarse {
            var sum: Float = 0
            for offset in 0..<factor * channels { sum += samples[(first + index * factor) * channels + offset].level }
            mono[index] = sum
        }
        let low = bestLag(coarse, rate: rate / factor)
        // The repeated stretch lasts 8 ms at least: less of it buzzes.
        var length = low * factor
        length *= max(1, (rate / 125 + length - 1) / length)
        length = min(length, held * 3 / 4)
        let overlap = min(length / 4, held - length)
        for index in 0..<length {
            for channel in 0..<channels {
                func heard(_ back: Int) -> Float { samples[(held - back) * channels + channel].level }
                var value = heard(length - index)
                let behind = index - (length - overlap)
                if behind >= 0, overlap > 0 {
                    // The end of the stretch leads over to its begin.
                    let share = Float(behind + 1) / Float(overlap + 1)
                    value += (heard(2 * length - index) - value) * share
                }
                period[index * channels + channel] = value
            }
        }
        for channel in 0..<channels {
            let last = samples[(held - 1) * channels + channel].level
            let before = held > length ? samples[(held - 1 - length) * channels + channel].level : last
            step[channel] = last - before
        }
        periodLength = length
    }

    /// The distance, in samples of `mono`, at which the last 10 ms were heard before. 2.5 to 16 ms.
    private func bestLag(_ count: Int, rate: Int) -> Int {
        let window = rate / 100
        let lags = max(1, rate / 400)...max(1, min(rate * 16 / 1_000, count - window))
        var best = (lag: lags.upperBound, score: -Float.infinity)
        for lag in lags {
            var (cross, energy): (Float, Float) = (0, 1e-9)
            for index in (count - window)..<count {
                cross += mono[index] * mono[index - lag]
                energy += mono[index - lag] * mono[index - lag]
            }
            let score = cross / energy.squareRoot()
            if score > best.score { best = (lag, score) }
        }
        return best.lag
    }
}
