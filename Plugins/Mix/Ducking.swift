import Sluice

/// How far the others are held down while the side input is heard: 0 not at all, 1 wholly. Pure: a level and a length
/// of time in, the depth out.
struct Ducking {
    struct Settings {
        /// The side input is heard above this, in dBFS.
        var threshold = -45.0
        /// Milliseconds from not at all to wholly, and back.
        var attack = 30.0
        var release = 500.0
        /// Milliseconds for which the others stay down when the side input has fallen silent: pauses between words.
        var hold = 250.0
    }

    private let settings: Settings
    /// At the end of the last stretch.
    private(set) var depth = 0.0
    private var held = 0.0

    init(_ settings: Settings) { self.settings = settings }

    /// The depth at the end of a stretch of so many milliseconds, in which the side input had this level.
    mutating func follow(level: Double, milliseconds: Double) -> Double {
        let isHeard = level > settings.threshold
        held = isHeard ? settings.hold : max(0, held - milliseconds)
        let step = isHeard || held > 0 ? milliseconds / settings.attack : -milliseconds / settings.release
        depth = min(1, max(0, depth + step))
        return depth
    }
}
