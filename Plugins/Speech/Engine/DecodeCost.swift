/// How long a decode with the whole encoder will take, by one with a part of it just before, which tells how busy the
/// machine is, and by what such ones took. Pure.
struct DecodeCost: Sendable {
    struct Way: Hashable, Sendable {
        var beams: Int
        /// By temperature steps, where the text stays doubtful.
        var tries = false
    }

    /// The time in units of what the part of the encoder makes likely.
    private var factors: [Way: Double] = [:]

    /// Of one that way, where the one with `window` (in units of 20 ms, 0 for the whole) took `time`. Each question
    /// makes the next answer a little shorter, so that one slow decode does not forbid them for ever.
    mutating func next(_ way: Way, behind time: Duration, window: Int) -> Duration {
        let factor = factors[way, default: Double(way.beams) / 2 + 0.5]
        factors[way] = max(1, factor * 0.97)
        return time * DecodeCost.whole(window) * factor
    }

    mutating func took(_ took: Duration, _ way: Way, behind time: Duration, window: Int) {
        let likely = time * DecodeCost.whole(window)
        guard likely > .zero else { return }
        factors[way] = min(16, max(1, took / likely))
    }

    private static func whole(_ window: Int) -> Double {
        window > 0 ? Double(Whisper.whole) / Double(window) : 1
    }
}
