import Pacing
import Sluice
import Synchronization

/// The raw sources of a session know this of each other: when the first byte of any of them came, how far each is off
/// its arrival, and which are held up. A service of the session: callers in instances of a template have nothing to do
/// with each other.
final class RawClock: Sendable {
    private struct State {
        var origin: Instant?
        var deviations: [Int: MediaTime] = [:]
        var members = 0
        /// How far those have come that are held up by what follows them.
        var held: [Int: MediaTime] = [:]
        var lastHold: Instant?
    }
    /// How many are held up, and whether any ever was: nobody takes the lock while all runs.
    private let holds = Atomic<Int>(0)
    private let hasHeld = Atomic<Bool>(false)
    private let state = Mutex(State())

    /// When counting begins for a stream whose first byte came at `arrival`: with the first stream of the session,
    /// where that began within the tolerance, else then.
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
    func addMember() -> Int {
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

    // MARK: Held up

    /// Stream `member` is held up at `time` by what follows it; nil when it goes on.
    func hold(_ time: MediaTime?, of member: Int, at now: Instant) {
        state.withLock {
            $0.held[member] = time
            $0.lastHold = now
            holds.store($0.held.count, ordering: .relaxed)
        }
        hasHeld.store(true, ordering: .relaxed)
    }

    /// How far a stream may come while others are held up; nil where none is.
    func limit(of member: Int) -> MediaTime? {
        guard holds.load(ordering: .relaxed) > 0 else { return nil }
        let first = state.withLock { $0.held.filter { $0.key != member }.values.min() }
        return first.map { $0 + MediaTime(WhenLate.patience) }
    }

    /// A stream is held up, or was lately: when bytes come tells of this run and not of their writers.
    func isSlipping(_ now: Instant) -> Bool {
        guard hasHeld.load(ordering: .relaxed) else { return false }
        return state.withLock { state in
            !state.held.isEmpty || state.lastHold.map { now - $0 < WhenLate.patience } ?? false
        }
    }
}
