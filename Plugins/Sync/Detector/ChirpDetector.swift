import Glibc
import Sluice

/// Finds calibration chirps in PCM.
///
/// The audio, mixed to one channel, is multiplied by a complex sine of 1,800 Hz and summed over a window of the
/// shortest chirp, 60 ms, every millisecond: the amplitude of the tone in the window. A chirp makes it rise in a
/// straight line from its beginning for 60 ms, stay, and fall as it rose. Where it passes half of its peak on the way
/// up, the middle of the window is at the beginning, and on the way down at the end, whatever the chirp's loudness and
/// length.
///
/// How much of all the window's energy is the tone's tells how well it was heard: 0.5 under noise as loud as the chirp,
/// wherever in the spectrum that noise lies.
struct ChirpDetector {
    struct Chirp: Equatable {
        let time: MediaTime
        let length: MediaTime
        /// 0…1: the tone's part of the energy in the window, less what of the tone was there before.
        let clarity: Double
    }

    private let rate: Int
    private let start: MediaTime
    /// Samples of one step, about a millisecond, and steps of the window.
    private let hop: Int
    private let window: Int
    /// The last steps: parts of the correlation, and energy.
    private var steps: [(real: Double, imaginary: Double, energy: Double)]
    private var total = (real: 0.0, imaginary: 0.0, energy: 0.0)
    private var current = (real: 0.0, imaginary: 0.0, energy: 0.0)
    private var filled = 0
    /// Of the sine, turned by one sample each time.
    private var phase: Int = 0
    private let sine: [Double]
    private let cosine: [Double]
    private var hops = 0
    /// The amplitudes of the last steps, by step modulo `memory`.
    private var amplitudes: [Double]
    private var peak: (amplitude: Double, share: Double, step: Int)?
    /// A tone that stays must have come down to this before another is looked for.
    private var mustFallBelow: Double?
    /// The rest of a chirp in the window is none of its own.
    private var deafUntil = 0

    private static let memory = 1_024
    /// Below −46 dBFS the tone is not looked for.
    private static let faintest = 0.005
    /// Less of the energy than this is no tone.
    private static let leastShare = 0.2
    /// A burst of 60 ms with its fades fills this much of its window's energy with the tone.
    private static let purest = 0.94

    /// Audio from `start` on, without holes.
    init(start: MediaTime, rate: Int) {
        (self.start, self.rate) = (start, rate)
        hop = max(1, rate / 1_000)
        window = max(1, Int(Sluice.rescale(Int64(rate), from: 1_000, to: 60)) / hop)
        steps = Array(repeating: (0, 0, 0), count: window)
        amplitudes = Array(repeating: 0, count: ChirpDetector.memory)
        // 1,800 Hz repeats after rate / gcd samples.
        let period = rate / ChirpDetector.divisor(rate, 1_800)
        let angles = (0..<period).map { 2 * Double.pi * 1_800 * Double($0) / Double(rate) }
        sine = angles.map { sin($0) }
        cosine = angles.map { cos($0) }
    }

    private static func divisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : divisor(b, a % b) }

    /// Up to where it has heard.
    var end: MediaTime { start + MediaTime(Int64(hops) * Int64(hop) + Int64(filled), timescale: Int64(rate)) }

    /// The next sample, in −1…1. A chirp is told when it is over.
    mutating func note(_ sample: Double) -> Chirp? {
        let value = sample.isFinite ? max(-4, min(4, sample)) : 0
        current.real += value * cosine[phase]
        current.imaginary += value * sine[phase]
        current.energy += value * value
        phase = phase + 1 == sine.count ? 0 : phase + 1
        filled += 1
        guard filled == hop else { return nil }
        return endStep()
    }

    private mutating func endStep() -> Chirp? {
        let place = hops % window
        let oldest = steps[place]
        steps[place] = current
        // Summed anew now and then, so that rounding does not gather.
        if place == 0 {
            total = steps.reduce((0, 0, 0)) { ($0.0 + $1.real, $0.1 + $1.imaginary, $0.2 + $1.energy) }
        } else {
            total.real += current.real - oldest.real
            total.imaginary += current.imaginary - oldest.imaginary
            total.energy += current.energy - oldest.energy
        }
        current = (0, 0, 0)
        filled = 0
        hops += 1
        let count = Double(window * hop)
        let power = total.real * total.real + total.imaginary * total.imaginary
        let amplitude = 2 * power.squareRoot() / count
        let share = total.energy > 0 ? min(1, 2 * power / (count * total.energy)) : 0
        amplitudes[hops % ChirpDetector.memory] = amplitude
        return follow(amplitude, share)
    }

    /// Follows the amplitude up to its peak and down to half of it.
    private mutating func follow(_ amplitude: Double, _ share: Double) -> Chirp? {
        guard let peak else {
            if let level = mustFallBelow {
                guard amplitude < level else { return nil }
                mustFallBelow = nil
                deafUntil = hops + window
            }
            if hops >= deafUntil, amplitude >= ChirpDetector.faintest, share >= ChirpDetector.leastShare {
                self.peak = (amplitude, share, hops)
            }
            return nil
        }
        if amplitude > peak.amplitude {
            self.peak = (amplitude, share, hops)
            return nil
        }
        // A tone that stays is none of ours.
        if hops - peak.step > ChirpDetector.memory / 2 {
            self.peak = nil
            mustFallBelow = peak.amplitude / 2
            return nil
        }
        guard amplitude < peak.amplitude / 2 else { return nil }
        self.peak = nil
        deafUntil = hops + window
        return chirp(peak.amplitude, peak.share, peakAt: peak.step)
    }

    private func chirp(_ peak: Double, _ share: Double, peakAt step: Int) -> Chirp? {
        guard let up = crossing(of: peak / 2, before: step),
            let down = crossing(of: peak / 2, before: hops, falls: true)
        else { return nil }
        let length = seconds(down - up)
        // 60 ms, or two pictures down to 10 a second, as smeared by coding.
        guard (0.035...0.25).contains(length) else { return nil }
        let usual = background(before: Int(up) - window)
        let clarity = min(1, share / ChirpDetector.purest) * max(0, 1 - usual / peak)
        // A burst comes up in 5 ms, which delays the middle of its rise by half of that, if it is longer than the
        // window: one that is as long has a peak that is lower by as much.
        let late = min(0.0025, max(0, length - 0.060) * 1.2)
        let time = seconds(up) - seconds(Double(window)) / 2 - late
        return Chirp(time: start + .seconds(time), length: .seconds(length), clarity: clarity)
    }

    private func seconds(_ steps: Double) -> Double { steps * Double(hop) / Double(rate) }

    /// Where the amplitude last passed `level` upwards before `step`, or downwards, between two steps.
    private func crossing(of level: Double, before step: Int, falls: Bool = false) -> Double? {
        var index = step
        while index > max(1, hops - ChirpDetector.memory + 2) {
            let (this, last) = (amplitude(at: index), amplitude(at: index - 1))
            if falls ? this < level && last >= level : this >= level && last < level {
                return Double(index - 1) + (level - last) / (this - last)
            }
            index -= 1
        }
        return nil
    }

    private func amplitude(at step: Int) -> Double { amplitudes[step % ChirpDetector.memory] }

    /// The mean amplitude in the 200 steps before `step`.
    private func background(before step: Int) -> Double {
        let first = max(1, step - 200, hops - ChirpDetector.memory + 1)
        guard step > first else { return 0 }
        return (first..<step).reduce(0) { $0 + amplitude(at: $1) } / Double(step - first)
    }
}
