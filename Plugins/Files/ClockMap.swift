import Sluice

/// Maps a source's media time to the graph's clock: instant = origin + (time − start) × (1 + ppm / 10⁶).
///
/// Pure and exact to the nanosecond; a source that knows its clock holds one and moves its `ppm`.
struct ClockMap: Equatable, Sendable {
    /// The media time that is at `origin`.
    var start: MediaTime
    /// The instant of `start`.
    var origin: Instant
    /// How much longer one second of the source lasts on the graph's clock, in parts per million.
    var ppm: Double

    /// `start` is at `origin`; `ppm` as the property.
    init(start: MediaTime, at origin: Instant, ppm: Double = 0) {
        self.start = start
        self.origin = origin
        self.ppm = ppm
    }

    /// When `time` is on the graph's clock, rounded to 1 ns.
    func instant(of time: MediaTime) -> Instant {
        let nominal = Interval(time - start)
        return origin + nominal + Interval(nanoseconds: Int64((Double(nominal.nanoseconds) * ppm / 1e6).rounded()))
    }

    /// The media time at `instant`, rounded to 1 ns.
    func time(at instant: Instant) -> MediaTime {
        let elapsed = instant - origin
        return start
            + MediaTime(Interval(nanoseconds: Int64((Double(elapsed.nanoseconds) / (1 + ppm / 1e6)).rounded())))
    }

    /// Changes the rate from `instant` on, without a jump there.
    mutating func steer(ppm new: Double, at instant: Instant) {
        start = time(at: instant)
        origin = instant
        ppm = new
    }
}
