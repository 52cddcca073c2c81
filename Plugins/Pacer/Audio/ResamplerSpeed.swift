import Resampling

extension Resampler {
    /// Takes the input so many parts per million faster than it gives output, from now on.
    func set(ppm: Double) throws {
        let distance: Int32 = 10_000_000
        try stretch(by: Int32((-ppm * Double(distance) / 1e6).rounded()), over: distance)
    }

    /// Samples to be taken for `count` more, or one less than that: what was taken before and not given is used up
    /// first.
    func need(for count: Int) -> Int { max(1, count + Int((Double(Resampler.reach) - pending).rounded(.up))) }
}
