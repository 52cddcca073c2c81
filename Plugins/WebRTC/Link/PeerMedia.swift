import Synchronization

/// The media of one connection as its last offer and answer have them. In a room they change while the peer stays
/// connected: the link then tells its listeners. From any thread.
final class PeerMedia: Sendable {
    typealias Received = (audio: PeerSession.ReceivedMedium?, video: PeerSession.ReceivedMedium?)

    private struct State {
        var sent: [PeerSession.SentMedium]
        var received: Received
    }

    private let state: Mutex<State>

    init(sent: [PeerSession.SentMedium], received: Received) { state = Mutex(State(sent: sent, received: received)) }

    /// Those that we send.
    var sent: [PeerSession.SentMedium] { state.withLock { $0.sent } }
    /// Those that the peer sends.
    var received: Received { state.withLock { $0.received } }

    /// Another answer has come.
    func change(sent: [PeerSession.SentMedium], received: Received) {
        state.withLock { $0 = State(sent: sent, received: received) }
    }
}
