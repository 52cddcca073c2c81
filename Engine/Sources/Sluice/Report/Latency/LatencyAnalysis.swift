/// Where the milliseconds of a picture went, from its capture to the last place at which it was seen.
@_spi(Host) public struct LatencyAnalysis: Sendable {
    /// Milliseconds of the counted pictures.
    public struct Spread: Sendable {
        public let p50, p95, p99, max, mean: Double

        init(_ values: [Double]) {
            let sorted = values.sorted()
            func rank(_ share: Double) -> Double {
                sorted.isEmpty
                    ? 0 : sorted[Swift.min(sorted.count - 1, Int((Double(sorted.count) * share).rounded(.up)) - 1)]
            }
            (p50, p95, p99, max) = (rank(0.5), rank(0.95), rank(0.99), sorted.last ?? 0)
            mean = sorted.isEmpty ? 0 : sorted.reduce(0, +) / Double(sorted.count)
        }
    }

    public struct Stage: Sendable {
        /// A node; `→ node` for the way to it; `node: what` for a part of its work.
        public let label: String
        public let spread: Spread
    }

    /// In the order in which a picture passes them; their means add up to the mean of `total`.
    public let stages: [Stage]
    public let total: Spread
    /// Seconds since the first counted picture, and that picture's milliseconds in all.
    public let pictures: [(at: Double, milliseconds: Double)]
    /// Numbers that were sent and not seen at the end.
    public let missing: Int
    /// The pictures came back from a transport: the total is glass to glass.
    public let isGlassToGlass: Bool

    /// Pictures of the first second after the first that came through are not counted: connections and codecs begin
    /// then.
    static let warmUp: Int64 = 1_000_000_000

    /// nil where no picture carries a number.
    public init?(_ trace: LatencyTrace) {
        let state = trace.state
        guard let found = LatencyPath(state).find() else { return nil }
        var times: [Int: [MediaTime: Int64]] = [:]
        for point in state.points where times[point.place]?[point.pts] == nil {
            times[point.place, default: [:]][point.pts] = point.at
        }
        guard let first = found.sending.first else { return nil }
        var captured: [MediaTime: Int64] = [:]
        for point in state.points where point.place == first.place { captured[point.pts] = point.captured }
        var samples: [(captured: Int64, instants: [Int64])] = []
        var lost = 0
        for (number, pts) in found.sent.sorted(by: { $0.key < $1.key }) {
            guard let begin = captured[pts] else { continue }
            var instants = found.sending.compactMap { times[$0.place]?[pts] }
            var wanted = found.sending.count
            if !found.receiving.isEmpty {
                wanted += found.receiving.count
                if let back = found.received[number] {
                    instants += found.receiving.compactMap { times[$0.place]?[back] }
                }
            }
            if instants.count == wanted { samples.append((begin, instants)) } else { lost += 1 }
        }
        guard let begin = samples.first?.captured else { return nil }
        let counted = samples.filter { $0.captured - begin >= LatencyAnalysis.warmUp }
        guard !counted.isEmpty else { return nil }
        let labels = (found.sending + found.receiving).map(\.label)
        stages = labels.indices.map { index in
            Stage(
                label: labels[index],
                spread: Spread(
                    counted.map { sample in
                        let before = index == 0 ? sample.captured : sample.instants[index - 1]
                        return Double(sample.instants[index] - before) / 1e6
                    }))
        }
        let all = counted.map { Double($0.instants.last! - $0.captured) / 1e6 }
        total = Spread(all)
        pictures = zip(counted, all).map { (Double($0.captured - counted[0].captured) / 1e9, $1) }
        missing = lost
        isGlassToGlass = !found.receiving.isEmpty
    }
}
