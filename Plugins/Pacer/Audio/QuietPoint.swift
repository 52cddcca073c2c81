/// Finds where a frame may be left out or repeated with the least harm. While the depth is off by more than half a
/// frame, that is the quietest frame of the last second, or a silent one. Where it is off by one and a half frames, or
/// after two seconds, it is at once.
struct QuietPoint {
    enum Decision { case skip, again }

    /// Loudness of the frames of two half seconds: the quietest of each.
    private var quietest: (last: Float, present: Float) = (.infinity, .infinity)
    private var frames = 0
    private var loudness: Float = .infinity
    private var waited = 0

    /// Frames in half a second of 20 ms.
    private static let half = 25
    /// −50 dB of full scale.
    private static let silent: Float = 0.003

    mutating func note(_ level: Float) {
        loudness = level
        quietest.present = min(quietest.present, level)
        frames += 1
        if frames >= QuietPoint.half { (quietest, frames) = ((quietest.present, .infinity), 0) }
    }

    /// `surplus`: frames by which the depth is too large; negative where it is too small.
    mutating func decide(surplus: Double) -> Decision? {
        guard abs(surplus) > 0.55 else {
            waited = 0
            return nil
        }
        waited += 1
        let isQuiet = loudness <= max(min(quietest.last, quietest.present) * 1.1, QuietPoint.silent)
        guard isQuiet || abs(surplus) > 1.5 || waited > 4 * QuietPoint.half else { return nil }
        waited = 0
        return surplus > 0 ? .skip : .again
    }
}
