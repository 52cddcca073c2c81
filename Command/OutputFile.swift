import Glibc
import Sluice

/// A file that is opened before the work begins, so that a path that cannot be written is said then and not afterwards.
struct OutputFile: ~Copyable {
    private let path: String
    /// −1 once it is closed.
    private var descriptor: Int32

    /// `option` named it. What the file holds stays until `write`.
    init(_ path: String, for option: String, _ arguments: Arguments) throws(UsageError) {
        self.path = path
        // A FIFO is not waited for.
        descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o666)
        guard descriptor >= 0 else {
            let isUnread = errno == ENXIO
            throw arguments.error(
                "\(option) \(path): the file cannot be written: \(isUnread ? "nobody reads that FIFO" : errorText(errno)).",
                isUnread
                    ? "Start its reader first." : "Name one in a directory that exists and that you may write in.")
        }
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Replaces what the file holds, and closes it: some file systems find out only then that they have no room. Once.
    mutating func write(_ text: String) throws(NodeError) {
        // Pipes and devices cannot be cut, and need not.
        _ = ftruncate(descriptor, 0)
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                throw failure
            }
            rest = rest.dropFirst(count)
        }
        defer { descriptor = -1 }
        guard close(descriptor) == 0 || errno == EINTR else { throw failure }
    }

    private var failure: NodeError { NodeError("\(path): the file could not be written: \(errorText(errno)).") }
}
