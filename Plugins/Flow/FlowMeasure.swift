import Sluice

/// Counts what passes, and compares when items come with what their timestamps say.
struct FlowMeasure {
    struct Sums: Equatable {
        var items = 0
        var bytes = 0
        var gaps = 0
    }

    /// The facts that one item told beside its size.
    struct Arrival: Equatable {
        /// Microseconds since the item before.
        var interval: Int?
        /// Microseconds by which the interval differs from the step of timestamps.
        var jitter: Int?
        /// Media that are missing before this item by its timestamp; zero if it follows on, `tolerance` considered.
        var gap = MediaTime.zero
        /// How much later it came, by its timestamp, than the first item since the timestamps last jumped.
        var drift: Interval?
    }

    /// Rounding of timestamps in containers is no gap: Matroska's are of 1 ms.
    static let tolerance = MediaTime.milliseconds(2)

    private(set) var total = Sums()
    private(set) var period = Sums()
    private var lastArrival: Instant?
    private var lastTime = MediaTime.none
    private var lastDuration = MediaTime.none
    private var base: (arrival: Instant, time: MediaTime)?
    /// Timestamps that are off by more than this have jumped.
    private static let jump = Interval.milliseconds(1_000)

    mutating func note(_ header: MediaItem.Header, bytes: Int, at now: Instant) -> Arrival {
        var arrival = Arrival()
        let time = header.dts.isKnown ? header.dts : header.pts
        if let lastArrival {
            let interval = now - lastArrival
            arrival.interval = Int(interval.nanoseconds / 1_000)
            if time.isKnown, lastTime.isKnown {
                let step = time - lastTime
                arrival.jitter = Int((interval - Interval(step)).nanoseconds.magnitude / 1_000)
                if lastDuration.isKnown, step - lastDuration > FlowMeasure.tolerance {
                    arrival.gap = step - lastDuration
                }
            }
        }
        if time.isKnown {
            let drift = base.map { (now - $0.arrival) - Interval(time - $0.time) }
            if let drift, drift.nanoseconds.magnitude <= FlowMeasure.jump.nanoseconds.magnitude {
                arrival.drift = drift
            } else {
                base = (now, time)
                arrival.drift = .zero
            }
        }
        lastArrival = now
        lastTime = time
        lastDuration = header.duration
        count(&total, bytes, arrival)
        count(&period, bytes, arrival)
        return arrival
    }

    mutating func endPeriod() { period = Sums() }

    private func count(_ sums: inout Sums, _ bytes: Int, _ arrival: Arrival) {
        sums.items += 1
        sums.bytes += bytes
        if arrival.gap > .zero { sums.gaps += 1 }
    }
}
