import Sluice

/// Makes times of 33 bits at 90 kHz, which begin again every 26.5 hours, into ones that go on. One for all streams of a
/// program, so that they wrap together.
struct TimestampUnwrapper {
    private var last: Int64?

    init() {}

    /// The time next to the last one given.
    mutating func unwrap(_ time: Int64) -> MediaTime {
        let period: Int64 = 1 << 33
        var value = time & (period - 1)
        if let last {
            // Of all values that fit the one at most half a period away.
            let difference = (value - last) & (period - 1)
            value = last &+ (difference < period / 2 ? difference : difference - period)
        }
        last = value
        return MediaTime(value, timescale: 90_000)
    }
}
