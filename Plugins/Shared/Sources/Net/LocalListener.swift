import Glibc
import Sluice

/// The listening end of a stream socket in the file system. On the lane of the node that has it.
public final class LocalListener {
    public let descriptor: Int32
    private let path: String

    /// Makes the socket. One that a dead process has left there is replaced; anything else is an error.
    public init(_ path: String, backlog: Int = 8) throws {
        self.path = path
        try LocalListener.clear(path)
        descriptor = try LocalSocket.make()
        guard try LocalSocket.withAddress(path, { [descriptor] in bind(descriptor, $0, $1) }) == 0,
            listen(descriptor, Int32(clamping: backlog)) == 0
        else {
            let code = errno
            Glibc.close(descriptor)
            throw NodeError("cannot listen at \(path): \(errorText(code))", isInputError: true)
        }
    }

    private static func clear(_ path: String) throws {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw NodeError(
                "\(path) exists and is no socket", advice: "Remove it, or choose another path.", isInputError: true)
        }
        if let alive = try LocalSocket.connect(path) {
            Glibc.close(alive)
            throw NodeError(
                "another process listens at \(path)", advice: "Stop it, or choose another path.", isInputError: true)
        }
        unlink(path)
    }

    /// The next connection; nil when nobody asks for one.
    public func accept() -> Int32? {
        let connection = Glibc.accept(descriptor, nil, nil)
        guard connection >= 0 else { return nil }
        LocalSocket.prepare(connection)
        return connection
    }

    /// Takes the socket out of the file system.
    public func close() {
        Glibc.close(descriptor)
        unlink(path)
    }
}
