/// A number over the time of a run, in at most 512 stretches of equal length, each with its least, mean and most.
///
/// Stretches begin as 50 ms and double in length whenever they would become too many, so that a day takes no more room
/// than a minute. One thread records, any thread reads; one that reads while a stretch doubles sees some values twice.
final class Series: @unchecked Sendable {
    static let capacity = 512
    static let firstStretch: Int64 = 50_000_000

    private struct Stretch: ~Copyable {
        let count = Counter()
        /// Thousandths.
        let sum = Counter()
        let least = Counter()
        let most = Counter()
    }

    private let stretches: UnsafeMutablePointer<Stretch>
    private let length = Counter()
    private let used = Counter()

    init() {
        stretches = .allocate(capacity: Series.capacity)
        for index in 0..<Series.capacity { (stretches + index).initialize(to: Stretch()) }
        length.set(Int(Series.firstStretch))
    }

    deinit {
        stretches.deinitialize(count: Series.capacity)
        stretches.deallocate()
    }

    /// `time` counts from the start of the run.
    func record(_ value: Double, at time: Interval) {
        guard value.isFinite, time >= .zero else { return }
        let thousandths = Int(max(-1e15, min(1e15, (value * 1_000).rounded())))
        while time.nanoseconds / Int64(length.count) >= Int64(Series.capacity) { double() }
        let index = Int(time.nanoseconds) / length.count
        add(to: index, count: 1, sum: thousandths, least: thousandths, most: thousandths)
        used.raise(to: index + 1)
    }

    private func add(to index: Int, count: Int, sum: Int, least: Int, most: Int) {
        let isEmpty = stretches[index].count.count == 0
        stretches[index].least.set(isEmpty ? least : min(least, stretches[index].least.count))
        stretches[index].most.set(isEmpty ? most : max(most, stretches[index].most.count))
        stretches[index].sum.add(sum)
        stretches[index].count.add(count)
    }

    private func double() {
        for index in 0..<Series.capacity {
            let count = stretches[index].count.count
            let (sum, least, most) = (
                stretches[index].sum.count, stretches[index].least.count, stretches[index].most.count
            )
            stretches[index].count.set(0)
            stretches[index].sum.set(0)
            if count > 0 { add(to: index / 2, count: count, sum: sum, least: least, most: most) }
        }
        length.set(length.count * 2)
        used.set((used.count + 1) / 2)
    }

    struct Point {
        var least, mean, most: Double
    }

    /// Seconds of one stretch, and the stretches from the start on; nil where nothing was recorded.
    var points: (stretch: Double, all: [Point?]) {
        let all = (0..<used.count).map { index -> Point? in
            let count = stretches[index].count.count
            guard count > 0 else { return nil }
            return Point(
                least: Double(stretches[index].least.count) / 1_000,
                mean: Double(stretches[index].sum.count) / Double(count) / 1_000,
                most: Double(stretches[index].most.count) / 1_000)
        }
        return (Double(length.count) / 1e9, all)
    }
}

extension Metric {
    /// A number of a node over time, in the report's `series`: what `sluice timing` plots. Only the node's lane writes.
    public final class Series: Sendable {
        let series = Sluice.Series()
        private let started: Instant

        init(started: Instant) { self.started = started }

        /// `value` in the unit of the metric's name, at `now` on the graph's clock. On the node's lane.
        public func record(_ value: Double, at now: Instant) { series.record(value, at: now - started) }
    }
}
