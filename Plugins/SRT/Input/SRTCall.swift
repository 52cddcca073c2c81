import Synchronization

/// One accepted caller on its way into the session that is started for it.
final class SRTCall: Sendable {
    let socket: SRTSocket
    /// For messages.
    let peer: String
    private let place: Admission.Place
    private let admission: Admission
    private let hasLeft = Atomic<Bool>(false)

    init(_ socket: SRTSocket, peer: String, place: Admission.Place, admission: Admission) {
        (self.socket, self.peer, self.place, self.admission) = (socket, peer, place, admission)
    }

    /// The session is done with it. Any thread; once is enough.
    func leave() {
        guard !hasLeft.exchange(true, ordering: .relaxed) else { return }
        admission.leave(place)
    }

    /// It sends nothing any more, or does again.
    func note(silent isSilent: Bool) { admission.note(silent: isSilent, place) }

    deinit { leave() }
}
