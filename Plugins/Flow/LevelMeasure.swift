import Glibc
import Sluice

/// The loudness of PCM in dBFS: 0 is the largest sample value, −120 stands for silence. RMS of a full-scale sine is
/// −3.0 (the plain definition, without the 3 dB that AES17 adds).
struct LevelMeasure {
    struct Sums: Equatable {
        var samples = 0
        /// Of squares of samples scaled to 1.
        var squares = 0.0
        var peak = 0.0

        var peakDecibels: Double { LevelMeasure.decibels(peak) }
        var rmsDecibels: Double {
            samples > 0 ? LevelMeasure.decibels((squares / Double(samples)).squareRoot()) : LevelMeasure.floor
        }
    }

    static let floor = -120.0

    private(set) var total = Sums()
    private(set) var period = Sums()

    mutating func note(_ frame: AudioFrame) {
        var squares = 0.0
        var peak = 0.0
        var count = 0
        switch frame.layout.sampleFormat {
        case .s16:
            for sample in frame.s16 {
                let value = Double(sample) / 32_768
                squares += value * value
                peak = max(peak, abs(value))
            }
            count = frame.s16.count
        case .f32:
            for sample in frame.f32 where sample.isFinite {
                let value = Double(sample)
                squares += value * value
                peak = max(peak, abs(value))
            }
            count = frame.f32.count
        case nil: return
        }
        add(&total, count, squares, peak)
        add(&period, count, squares, peak)
    }

    mutating func endPeriod() { period = Sums() }

    private func add(_ sums: inout Sums, _ count: Int, _ squares: Double, _ peak: Double) {
        sums.samples += count
        sums.squares += squares
        sums.peak = max(sums.peak, peak)
    }

    static func decibels(_ value: Double) -> Double { value > 0 ? max(floor, 20 * log10(value)) : floor }
}
