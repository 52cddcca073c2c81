/// How long a decode with the whole encoder will take, by one with a part of it just before, which tells how busy the
/// machine is, and by what such ones took. Pure.
struct DecodeCost: Sendable {
    /// By the number of beams: the time in units of what the part of the encoder makes likely.
    private var factors: [Int: Double] = [:]

    /// Of one with so many beams, where the one with `window` (in units of 20 ms) took `time`. Each question makes the
    /// next answer a little shorter, so that one slow decode does not forbid them for ever.
    mutating func next(beams: Int, behind time: Duration, window: Int) -> Duration {
        let factor = factors[beams, default: Double(beams) / 2 + 0.5]
        factors[beams] = max(1, factor * 0.97)
        return time * DecodeCost.whole(window) * factor
    }

    mutating func took(_ took: Duration, beams: Int, behind time: Duration, window: Int) {
        let likely = time * DecodeCost.whole(window)
        guard likely > .zero else { return }
        factors[beams] = min(16, max(1, took / likely))
    }

    private static func whole(_ window: Int) -> Double { Double(Whisper.whole) / Double(max(1, window)) }
}
