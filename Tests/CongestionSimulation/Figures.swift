/// Figures of a run, the worst of all steps of the link. Rates in bits a second, times in seconds.
public struct Figures {
    let steps: [(at: Double, rate: Double)]
    let end: Double
    let flow: MediaFlow

    public init(_ flow: MediaFlow, on steps: [(at: Double, rate: Double)], end: Double) {
        (self.flow, self.steps, self.end) = (flow, steps, end)
    }

    /// The least share of the link that was used, from 10 s behind each step until the next.
    public var used: Double {
        steps.indices.map { index in
            let next = index + 1 < steps.count ? steps[index + 1].at : end
            return flow.rate(from: steps[index].at + 10, to: next) / steps[index].rate
        }.min() ?? 0
    }

    /// From a cut until the estimate is below the link.
    public var timeBelow: Double {
        changes { $0 > $1 }.map { step in
            (flow.estimates.first { $0.at >= step.at && $0.rate < step.rate }?.at ?? .infinity) - step.at
        }.max() ?? 0
    }

    /// From a rise until 70 % of the link were used in a second.
    public var timeToRise: Double {
        changes { $0 < $1 }.map { step in
            let end = flow.firstTime(of: 0.7 * step.rate, over: 1, from: step.at)
            return end - step.at
        }.max() ?? 0
    }

    private func changes(_ isOne: (Double, Double) -> Bool) -> [(at: Double, rate: Double)] {
        steps.indices.dropFirst().filter { isOne(steps[$0 - 1].rate, steps[$0].rate) }.map { steps[$0] }
    }
}

extension MediaFlow {
    /// When so many bits a second came on the average of the `span` before.
    public func firstTime(of rate: Double, over span: Double, from: Double) -> Double {
        var time = from + span
        while self.rate(from: time - span, to: time) < rate {
            time += 0.1
            if time > Double(arrived.count) / 10 + span { return .infinity }
        }
        return time
    }
}
