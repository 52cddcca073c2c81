import Pacing
import Synchronization

/// How the pacers of one session play their sources, for those of pictures that follow them. A service of the session.
final class SessionPlayouts: Sendable {
    private enum Key: Hashable {
        case pacer(String)
        case clock(UInt16)
    }

    private struct State {
        /// Held by the pacer and those that follow it, so that they go with the last of them.
        var playouts: [Key: Weak] = [:]
        var pruneAt = 64
    }

    private struct Weak { weak var playout: SharedPlayout? }

    private let state = Mutex<State>(State())

    /// That of the pacer that the graph calls so, which may come later.
    func playout(of pacer: String) -> SharedPlayout { playout(.pacer(pacer)) }

    /// That of the pacer of audio whose media carry this number of a source's clock.
    func playout(ofClock clock: UInt16) -> SharedPlayout { playout(.clock(clock)) }

    private func playout(_ key: Key) -> SharedPlayout {
        state.withLock { state in
            if let known = state.playouts[key]?.playout { return known }
            if state.playouts.count >= state.pruneAt {
                state.playouts = state.playouts.filter { $1.playout != nil }
                state.pruneAt = max(64, state.playouts.count * 2)
            }
            let made = SharedPlayout()
            state.playouts[key] = Weak(playout: made)
            return made
        }
    }
}
