import Sluice
import Synchronization

/// Where the microphones of viewers reach a `webrtc-microphone` of the same session. From any thread.
final class ViewerMicrophones: Sendable {
    /// The microphone of one viewer.
    struct Source: Sendable {
        let link: PeerLink
        let medium: PeerSession.ReceivedMedium
        /// Our name in reports.
        let cname: String
    }

    enum News: Sendable {
        /// In the place of the one before.
        case begins(Source)
        /// By the port's number of the peer.
        case ends(Int)
    }

    /// The listener to the viewers of one name.
    struct Line: Sendable {
        fileprivate let post: @Sendable (News) -> Bool

        func begin(_ link: PeerLink, _ medium: PeerSession.ReceivedMedium, cname: String) {
            _ = post(.begins(Source(link: link, medium: medium, cname: cname)))
        }

        func end(_ number: Int) { _ = post(.ends(number)) }
    }

    private let lines = Mutex<[String: Line]>([:])

    /// The listener to the viewers of `name`; nil where there is none.
    subscript(name: String) -> Line? { lines.withLock { $0[name] } }

    /// In `prepare`. Throws where the viewers of that name have a listener.
    func listen(to name: String, _ post: @escaping @Sendable (News) -> Bool) throws {
        try lines.withLock { lines in
            guard lines[name] == nil else {
                throw NodeError(
                    "the microphone of \"\(name)\" has a node that hears it already", advice: "Leave one of them out.",
                    isInputError: true)
            }
            lines[name] = Line(post: post)
        }
    }

    func leave(_ name: String) { lines.withLock { $0[name] = nil } }
}
