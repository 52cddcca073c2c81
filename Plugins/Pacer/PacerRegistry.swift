import Sluice
import Synchronization

/// The knowledge that all pacers of a run share, whatever session they are in: which place each has among all, so that
/// their phases are spread, and whose turn it is to make a resampler. Used in `prepare` and when the first media come.
final class PacerRegistry: Sendable {
    private struct State {
        var count = 0
        var nextStart = Instant(nanoseconds: .min)
    }

    private let state = Mutex<State>(State())

    /// Whether a resampler may be made at `now`. To make one takes milliseconds; a thousand pacers of one source that
    /// is late want theirs in the same moment, and all would be held for seconds. None is in a hurry, so they take
    /// turns.
    func mayMakeResampler(at now: Instant) -> Bool {
        state.withLock { state in
            guard now >= state.nextStart else { return false }
            state.nextStart = now + PacerRegistry.betweenStarts
            return true
        }
    }

    static let betweenStarts = Interval.milliseconds(20)

    /// The next place: 0 for the first pacer of the run.
    func takeOrdinal() -> Int {
        state.withLock { state in
            defer { state.count += 1 }
            return state.count
        }
    }
}
