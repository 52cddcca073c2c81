/// Which further decodes a text gets that Whisper doubts, and which of them counts. Pure: decodes and time are
/// arguments.
///
/// A text that is doubted much is written anew with several beams. One that is only unsure is written anew with one and
/// with several, of which the surest counts: each alone had words wrong that the other had right. Both take the whole
/// encoder, three times as long, so each is begun only where there is time for it, and given up where it takes longer
/// than a text may be held.
struct Rewriting {
    /// There is time for a decode so long, of a text that is doubted much or only unsure.
    var hasTime: (Duration, _ isDoubtful: Bool) -> Bool
    /// With the whole encoder. Cancelled where nobody waits for it, or it takes too long.
    var decode: (DecodeCost.Way) throws -> (result: Whisper.Result, took: Duration)

    /// Of the text that a decode with `window` (in units of 20 ms) gave after so long, of so many seconds of audio.
    func best(
        of first: Whisper.Result, took: Duration, window: Int, seconds: Int, cost: inout DecodeCost
    ) throws -> Whisper.Result {
        var best = first
        if Whisper.isDoubtful(first, seconds: seconds) {
            let way = DecodeCost.Way(beams: Whisper.beams, tries: true)
            if let other = try again(way, behind: took, window, isDoubtful: true, &cost) { return other }
            best.isLeftDoubtful = true
        } else if window != 0, Whisper.isUnsure(first) {
            var surest = first.confidence + Whisper.clearly
            for beams in [1, Whisper.beams] {
                guard let other = try again(.init(beams: beams), behind: took, window, isDoubtful: false, &cost) else {
                    break
                }
                guard other.confidence > surest else { continue }
                (best, surest) = (other, other.confidence)
            }
        }
        return best
    }

    private func again(
        _ way: DecodeCost.Way, behind first: Duration, _ window: Int, isDoubtful: Bool, _ cost: inout DecodeCost
    ) throws -> Whisper.Result? {
        guard hasTime(cost.next(way, behind: first, window: window), isDoubtful) else { return nil }
        let (result, took) = try decode(way)
        // One that was given up took at least so long.
        cost.took(took, way, behind: first, window: window)
        return result.isCancelled ? nil : result
    }
}
