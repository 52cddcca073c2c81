import Sluice

/// The least time that media took lately: the smallest difference of clock time and media time in the last one to two
/// windows. It falls at once and rises as windows pass, so it follows two clocks that differ.
public struct TransitFloor: Sendable {
    private let window: Interval
    private var windowBegan: Instant?
    private var lowest: Int64 = .max
    private var lowestBefore: Int64 = .max

    /// `window` is how long the least time counts, at least; at most twice that.
    public init(window: Interval = .milliseconds(5_000)) { self.window = window }

    /// nil before the first note.
    public var floor: Interval? {
        let least = min(lowest, lowestBefore)
        return least == .max ? nil : Interval(nanoseconds: least)
    }

    /// `media` nanoseconds of media time, from any origin, were there at `now`.
    public mutating func note(media: Int64, at now: Instant) {
        if windowBegan.map({ now - $0 >= window }) ?? true {
            lowestBefore = lowest
            lowest = .max
            windowBegan = now
        }
        lowest = min(lowest, now.nanoseconds &- media)
    }

    /// As before the first note.
    public mutating func reset() { self = TransitFloor(window: window) }
}
