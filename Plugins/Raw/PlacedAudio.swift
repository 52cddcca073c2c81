import SampleTime
import Sluice

/// Samples in the order of a stream that has no times: holes are silence, and what overlaps is cut. Silence comes in
/// pieces of a tenth of a second, so that a long hole takes no memory.
struct PlacedAudio {
    private var placement = SamplePlacement()
    /// Of earlier readers.
    private var before = (silence: 0.0, cut: 0.0, leaps: 0)
    /// Waits behind so many samples of silence.
    private var held: (frame: AudioFrame, silence: Int)?

    /// Everything that was taken has been handed out.
    var isEmpty: Bool { held == nil }
    /// Milliseconds.
    var silence: Int { Int((silenceSeconds * 1_000).rounded()) }
    var cut: Int { Int((cutSeconds * 1_000).rounded()) }
    /// Tells how the samples were placed; nil where none was moved.
    var words: String? {
        SamplePlacement.words(silence: silenceSeconds, cut: cutSeconds, leaps: before.leaps + placement.leaps)
    }

    private var silenceSeconds: Double { before.silence + placement.silence.seconds }
    private var cutSeconds: Double { before.cut + placement.cut.seconds }

    /// The next samples; nil where `take` has none. `isAnew`: a reader begins with them, and a hole that is over is not
    /// for it.
    mutating func next(isAnew: Bool, _ take: () -> AudioFrame?) -> AudioFrame? {
        if isAnew, let frame = beginAnew() { return frame }
        while true {
            if let (frame, left) = held {
                let count = min(left, max(1, frame.layout.rate / 10))
                held = left > 0 ? (frame, left - count) : nil
                return left > 0 ? frame.silence(count) : frame
            }
            guard let frame = take() else { return nil }
            let place = placement.place(frame.sampleCount, at: frame.header.pts, rate: frame.layout.rate)
            if place.silence > 0 {
                held = (frame, place.silence)
            } else if place.cut < frame.sampleCount {
                return place.cut > 0 ? frame.dropping(place.cut) : frame
            }
        }
    }

    private mutating func beginAnew() -> AudioFrame? {
        before.silence += placement.silence.seconds
        before.cut += placement.cut.seconds
        before.leaps += placement.leaps
        placement = SamplePlacement()
        guard let frame = held?.frame else { return nil }
        held = nil
        _ = placement.place(frame.sampleCount, at: frame.header.pts, rate: frame.layout.rate)
        return frame
    }
}
