import ICE
import Sluice
import Synchronization

/// The way to a peer, from any thread.
final class PeerPath: Sendable {
    private let present = Mutex<ICERoute?>(nil)
    private static let changes = Atomic<Int>(0)

    /// Rises with each other `route` of any peer: a look at it takes no lock, and no memory of the peer.
    static var version: Int { changes.load(ordering: .acquiring) }

    /// nil before there is one, and behind the end.
    var route: ICERoute? {
        get { present.withLock { $0 } }
        set {
            present.withLock { $0 = newValue }
            PeerPath.changes.wrappingAdd(1, ordering: .releasing)
        }
    }
}
