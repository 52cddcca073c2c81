import Glibc

/// Makes samples at 8 kHz of those at 16 kHz: a low pass at 3.6 kHz, and every other sample. Pure.
///
/// The filter is a sinc of 63 taps in a Hamming window, symmetric, and so delays by 31 samples, 1.9 ms.
struct Halving: Sendable {
    private static let taps: [Float] = {
        let (count, cut) = (63, 3_600.0 / 16_000)
        let all = (0..<count).map { index -> Double in
            let place = Double(index - count / 2)
            let sinc = place == 0 ? 2 * cut : sin(2 * .pi * cut * place) / (.pi * place)
            return sinc * (0.54 - 0.46 * cos(2 * .pi * Double(index) / Double(count - 1)))
        }
        let sum = all.reduce(0, +)
        return all.map { Float($0 / sum) }
    }()

    /// Samples that the next ones need, the oldest first.
    private var last = [Float](repeating: 0, count: Halving.taps.count - 1)
    /// The next sample to come is one that is left out.
    private var isOdd = false

    /// The next samples, any number of them.
    mutating func take(_ samples: ArraySlice<Int16>) -> [Int16] {
        let all = last + samples.lazy.map { Float($0) }
        var made: [Int16] = []
        made.reserveCapacity(samples.count / 2 + 1)
        var at = isOdd ? 1 : 0
        while at < samples.count {
            var sum: Float = 0
            for (index, tap) in Halving.taps.enumerated() { sum += tap * all[at + index] }
            made.append(Int16(max(-32_768, min(32_767, sum.rounded()))))
            at += 2
        }
        isOdd = at > samples.count
        last = Array(all.suffix(Halving.taps.count - 1))
        return made
    }
}
