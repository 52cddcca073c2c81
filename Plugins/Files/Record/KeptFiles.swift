import Sluice
import Synchronization

/// The files of a session's recordings that stay for now, oldest first. A `record` that is started anew counts those of
/// its predecessor. Any thread.
final class KeptFiles: Sendable {
    struct File {
        var path: String
        /// As asked for, before it was numbered.
        var name: String
        var bytes: Int64
        var identity: FileSink.Identity?
    }

    private let files = Mutex<[String: [File]]>([:])

    /// Those of a node, by its name in the session; the node has them from now on.
    func take(of node: String) -> [File] { files.withLock { $0.removeValue(forKey: node) ?? [] } }
    /// For the instance that follows.
    func leave(_ list: [File], of node: String) { files.withLock { $0[node] = list } }
}
