import Sluice
import Synchronization

/// What the raw sources of a run know of each other: when the first byte of any of them came, and how far each is off
/// its arrival. One in a run, a service.
final class RawClock: Sendable {
    private struct State {
        var origin: Instant?
        var deviations: [Int: MediaTime] = [:]
        var members = 0
    }
    private let state = Mutex(State())

    /// When counting begins for a stream whose first byte came at `arrival`: with the first stream of the run, where that
    /// began within the tolerance, else then.
    func origin(for arrival: Instant) -> Instant {
        state.withLock {
            guard let origin = $0.origin else {
                $0.origin = arrival
                return arrival
            }
            return Interval(RawTimeline.tolerance) >= arrival - origin ? origin : arrival
        }
    }

    /// A number for one more stream.
    func join() -> Int {
        state.withLock {
            $0.members += 1
            return $0.members
        }
    }

    /// Stream `member` is off by `deviation`, nil when it has ended. A few times a second.
    func note(_ deviation: MediaTime?, of member: Int) { state.withLock { $0.deviations[member] = deviation } }

    /// How far the others are off; nil where there are none.
    func others(of member: Int) -> ClosedRange<MediaTime>? {
        state.withLock { state in
            var range: ClosedRange<MediaTime>?
            for (other, deviation) in state.deviations where other != member {
                range = min(range?.lowerBound ?? deviation, deviation)...max(range?.upperBound ?? deviation, deviation)
            }
            return range
        }
    }
}
