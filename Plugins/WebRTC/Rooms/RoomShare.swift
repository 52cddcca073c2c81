import Negotiation
import Sluice
import Synchronization

/// The media of one participant as the others of the room get them. The node that shares them tells the room, which has
/// it on another lane. From any thread.
final class RoomShare: Sendable {
    private struct State {
        var audio: OfferedTrack?
        var video: OfferedTrack?
        var muted: Set<MediaKind> = []
        var isOver = false
    }

    /// Of the participant.
    let name: String
    private let state = Mutex(State())
    private let speakers: RoomSpeakers
    private let changed: @Sendable () -> Void
    /// Sends a message to all who are in the room.
    let tell: @Sendable (String) -> Void

    /// `changed` is called when there are other tracks than before.
    init(
        _ name: String, _ speakers: RoomSpeakers, changed: @escaping @Sendable () -> Void,
        tell: @escaping @Sendable (String) -> Void
    ) {
        (self.name, self.speakers, self.changed, self.tell) = (name, speakers, changed, tell)
    }

    /// In the order in which they are offered.
    var tracks: [OfferedTrack] { state.withLock { [$0.audio, $0.video].compactMap { $0 } } }

    /// The medium has another stream than before.
    func show(_ kind: MediaKind, _ codec: MediaCodec, _ stream: SharedStream) {
        let track = OfferedTrack(id: "\(name).\(kind.rawValue)", codec: codec, stream: stream, owner: name)
        let isShown = state.withLock { state in
            guard !state.isOver else { return false }
            if kind == .audio { state.audio = track } else { state.video = track }
            return true
        }
        if isShown { changed() }
    }

    /// Packets of it go to nobody: a host of the room has switched it off.
    func isMuted(_ kind: MediaKind) -> Bool { state.withLock { $0.muted.contains(kind) } }

    func mute(_ kind: MediaKind, _ isMuted: Bool) {
        state.withLock { state in
            if isMuted { state.muted.insert(kind) } else { state.muted.remove(kind) }
        }
    }

    /// The level of a packet of audio, in dBov: 0 is the loudest, -127 silence (RFC 6464).
    func hear(_ level: Int, now: Instant) { speakers.note(level, of: name, now: now) }

    /// The participant has left: nothing of it is there any more.
    func end() {
        state.withLock { $0 = State(isOver: true) }
        speakers.leave(name)
        changed()
    }
}
