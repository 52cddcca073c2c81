@_spi(Host) import Sluice

/// One stream over time, as `sluice timing` prints and plots it: lines of gaps, drift and depth in milliseconds.
struct TimingStream {
    let name: String
    /// Its printed columns, in order.
    var figures: [(name: String, value: String)] = []
    var lines: [Line] = []

    struct Line {
        let name: String
        var points: [Point] = []
    }

    /// At a time in seconds: the least, mean and most there.
    struct Point: Equatable {
        var time: Double
        var least: Double
        var mean: Double
        var most: Double
    }
}

extension TimingStream.Line {
    /// Many points as at most `count`, each the least, mean and most of a stretch of equal length.
    init(_ name: String, _ values: [(time: Double, value: Double)], count: Int = 800) {
        self.name = name
        guard let first = values.map(\.time).min(), let last = values.map(\.time).max(), last - first < 1e12 else {
            return
        }
        let length = max((last - first) / Double(count), 1e-9)
        var sums: [(count: Int, sum: Double, least: Double, most: Double)?] = Array(repeating: nil, count: count)
        for (time, value) in values where value.isFinite {
            let index = max(0, min(count - 1, Int((time - first) / length)))
            let old = sums[index] ?? (0, 0, value, value)
            sums[index] = (old.count + 1, old.sum + value, min(old.least, value), max(old.most, value))
        }
        for (index, sum) in sums.enumerated() {
            guard let sum else { continue }
            points.append(
                TimingStream.Point(
                    time: first + (Double(index) + 0.5) * length, least: sum.least,
                    mean: sum.sum / Double(sum.count), most: sum.most))
        }
    }
}

/// The values that so many of all do not exceed (nearest rank).
func quantiles(_ values: [Double], _ fractions: [Double]) -> [Double] {
    let sorted = values.sorted()
    guard !sorted.isEmpty else { return fractions.map { _ in 0 } }
    return fractions.map { sorted[max(0, min(sorted.count - 1, Int((Double(sorted.count) * $0).rounded(.up)) - 1))] }
}
