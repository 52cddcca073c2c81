import Sluice
import Synchronization

/// Those who speak in a room. Lanes that hear the levels of voices note them, and the room's own lane is woken by
/// changes alone: levels come with each packet of each participant. From any thread.
final class RoomSpeakers: Sendable {
    private let state = Mutex(DominantSpeaker())
    private let changed: @Sendable () -> Void

    init(changed: @escaping @Sendable () -> Void) { self.changed = changed }

    /// `level` is in dBov.
    func note(_ level: Int, of name: String, now: Instant) {
        if state.withLock({ $0.note(level, of: name, now: now) }) { changed() }
    }

    func leave(_ name: String) {
        if state.withLock({ $0.leave(name) }) { changed() }
    }

    /// Now.
    var present: (speaking: Set<String>, leader: String?) { state.withLock { ($0.speaking, $0.leader) } }
}
