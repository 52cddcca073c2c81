/// A link with a queue in front of it: a rate that changes at given times, a queue of so many milliseconds that drops
/// at its tail, and what happens to packets behind it. Times in seconds of virtual time, rates in bits a second.
public struct Bottleneck {
    /// From when on which rate; the first from 0 on.
    public let steps: [(at: Double, rate: Double)]
    /// The longest queue.
    public let queue: Double
    private var backlog = 0.0
    private var now = 0.0
    private var step = 0

    public init(_ steps: [(at: Double, rate: Double)], queue: Double = 0.3) {
        (self.steps, self.queue) = (steps, queue)
    }

    public func rate(at time: Double) -> Double { steps.last { $0.at <= time }?.rate ?? steps[0].rate }

    /// Bits that fit through it.
    public func bits(from: Double, to: Double) -> Double {
        var sum = 0.0
        for (index, step) in steps.enumerated() {
            let end = index + 1 < steps.count ? steps[index + 1].at : Double.infinity
            sum += max(0, min(to, end) - max(from, step.at)) * step.rate
        }
        return sum
    }

    /// When a packet that comes at `time`, no earlier than the last one, has left, and how long it stood; nil where the
    /// queue is full.
    mutating func pass(bytes: Int, at time: Double) -> (left: Double, waited: Double)? {
        drain(to: time)
        let bits = Double(bytes) * 8
        guard backlog <= queue * steps[step].rate else { return nil }
        let waited = timeToDrain(backlog, from: time)
        backlog += bits
        return (time + timeToDrain(backlog, from: time), waited)
    }

    private mutating func drain(to time: Double) {
        while now < time {
            let end = step + 1 < steps.count ? min(time, steps[step + 1].at) : time
            backlog = max(0, backlog - (end - now) * steps[step].rate)
            now = end
            if step + 1 < steps.count, now >= steps[step + 1].at { step += 1 }
        }
    }

    private func timeToDrain(_ bits: Double, from time: Double) -> Double {
        var (left, at, index) = (bits, time, step)
        while true {
            guard index + 1 < steps.count else { return at + left / steps[index].rate - time }
            let fits = (steps[index + 1].at - at) * steps[index].rate
            if fits >= left { return at + left / steps[index].rate - time }
            (left, at, index) = (left - fits, steps[index + 1].at, index + 1)
        }
    }
}

/// Pseudo-random numbers of a seed (SplitMix64; Steele, Lea and Flood, OOPSLA 2014).
struct Chance {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
        state = next()
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// 0 ..< 1.
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// The size of a normal variable, three deviations of which are `most`, where it is cut.
    mutating func jitter(upTo most: Double) -> Double {
        // Four even ones are nearly normal.
        let normal = (unit() + unit() + unit() + unit() - 2) * 3.0.squareRoot()
        return min(abs(normal) / 3, 1) * most
    }
}
