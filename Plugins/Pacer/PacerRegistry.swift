import Pacing
import Sluice
import Synchronization

/// The pacers of a run: how each plays its source, for those that follow it, and which place each has among all, so
/// that their phases are spread. One instance in a run. Used in `prepare` and when the first media come.
final class PacerRegistry: Sendable {
    private struct State {
        /// Held by the pacer and those that follow it, so that they go with the last of them.
        var playouts: [String: Weak] = [:]
        var pruneAt = 64
        var count = 0
        var nextStart = Instant(nanoseconds: .min)
    }

    private struct Weak { weak var playout: SharedPlayout? }

    private let state = Mutex<State>(State())

    /// That of the pacer of this name, which may come later.
    func playout(of name: String) -> SharedPlayout {
        state.withLock { state in
            if let known = state.playouts[name]?.playout { return known }
            if state.playouts.count >= state.pruneAt {
                state.playouts = state.playouts.filter { $1.playout != nil }
                state.pruneAt = max(64, state.playouts.count * 2)
            }
            let made = SharedPlayout()
            state.playouts[name] = Weak(playout: made)
            return made
        }
    }

    /// That of the pacer of sound, in the session of the node of this name, whose media carry this number of a source's
    /// clock.
    func playout(ofClock clock: UInt16, beside name: String) -> SharedPlayout {
        playout(of: "\(PacerRegistry.session(of: name))#\(clock)")
    }

    /// What the names of a session's nodes begin with: empty for the graph, `listener.1/` for an instance.
    static func session(of name: String) -> String { name.lastIndex(of: "/").map { String(name[...$0]) } ?? "" }

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
