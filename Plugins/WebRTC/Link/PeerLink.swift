import DTLS
import ICE
import Net
import Sluice
import Synchronization

/// One peer as the nodes of its session hold it: its keys once it is connected, its datagrams, and the way to it. The
/// port's thread tells it what happens; nodes on any lane listen and send.
final class PeerLink: Sendable {
    /// Something that a node is told.
    enum Event: Sendable {
        /// Media may flow under these keys.
        case connected(SRTPKeys)
        /// RTP or RTCP, protected, and when it came.
        case datagram([UInt8], Instant)
        /// The media of its session are others than before.
        case mediaChanged
        /// The way to it is by another network than before: what went by the old one may not have come.
        case moved
        /// It is over: the sentence says why, unless the peer or we ended it.
        case ended(String?)
    }

    private struct State {
        var keys: SRTPKeys?
        var ending: String??
        var listeners: [(takesMedia: Bool, post: @Sendable (Event) -> Bool)] = []
    }

    /// The port's number of the peer.
    let number: Int
    let port: PortSender
    /// Where datagrams go. Known for itself, so that nodes look at it without this object, which the port holds weakly.
    let path = PeerPath()
    private let state = Mutex(State())
    private let close: @Sendable (Int) -> Void
    private let isClosed = Atomic<Bool>(false)
    /// Texts for the peer's page.
    let captions = PeerCaptions()
    /// Datagrams that a node's inbox did not take.
    let untaken = Atomic<Int>(0)

    /// `close` takes the peer out of the port.
    init(_ number: Int, _ port: PortSender, close: @escaping @Sendable (Int) -> Void) {
        (self.number, self.port, self.close) = (number, port, close)
    }

    deinit { leave() }

    // MARK: Nodes

    /// From now on `post` is called with what happens, on the port's thread; also with what a node has to know that
    /// happened before. Without `toMedia` datagrams are left out.
    func listen(toMedia takesMedia: Bool = true, _ post: @escaping @Sendable (Event) -> Bool) {
        state.withLock { state in
            state.listeners.append((takesMedia, post))
            if let keys = state.keys { _ = post(.connected(keys)) }
            if let ending = state.ending { _ = post(.ended(ending)) }
        }
    }

    /// Where datagrams go; nil before the peer is connected.
    var route: ICERoute? { path.route }

    /// Sends what is in `batch`, protected, to where the peer is now. Without a way to it they are dropped.
    func send(_ batch: DatagramBatch) -> DatagramBatch.Outcome {
        guard let route else {
            batch.clear()
            return DatagramBatch.Outcome()
        }
        return port.send(batch, to: route)
    }

    /// Another offer was answered: those who listen look at the session's media again. From any thread.
    func tellMediaChanged() { state.withLock { tell(.mediaChanged, $0) } }

    /// The session is done with the peer, and all who listen hear that it is over. Once is enough.
    func leave() {
        guard !isClosed.exchange(true, ordering: .relaxed) else { return }
        close(number)
        take(.ended(nil))
    }

    // MARK: The port's thread

    func take(_ news: PeerTransport.News) {
        state.withLock { state in
            switch news {
            case .route(let route):
                guard state.ending == nil else { return }
                let old = path.route
                path.route = route
                if let old, state.keys != nil, !old.isSameNetwork(as: route) { tell(.moved, state) }
            case .connected(let keys):
                state.keys = keys
                tell(.connected(keys), state)
            case .ended(let sentence):
                guard state.ending == nil else { return }
                state.ending = .some(sentence)
                path.route = nil
                tell(.ended(sentence), state)
            }
        }
    }

    func take(_ datagram: UnsafeRawBufferPointer, at now: Instant) {
        let copy = Array(datagram)
        state.withLock { state in
            for listener in state.listeners where listener.takesMedia && !listener.post(.datagram(copy, now)) {
                untaken.wrappingAdd(1, ordering: .relaxed)
            }
        }
    }

    private func tell(_ event: Event, _ state: borrowing State) {
        for listener in state.listeners where !listener.post(event) { untaken.wrappingAdd(1, ordering: .relaxed) }
    }
}
