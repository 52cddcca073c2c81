import Glibc
import Sluice

/// The listening end of a stream socket in the file system (unix(7)), non-blocking.
final class SegmentListener {
    let descriptor: Int32
    private let path: String

    /// Makes the socket. One that a dead process has left there is replaced; anything else is an error.
    init(_ path: String) throws {
        self.path = path
        try SegmentListener.clear(path)
        descriptor = try SegmentListener.make()
        guard try SegmentListener.withAddress(path, { [descriptor] in bind(descriptor, $0, $1) }) == 0,
            listen(descriptor, 8) == 0
        else {
            let code = errno
            Glibc.close(descriptor)
            throw NodeError("cannot listen at \(path): \(errorText(code))", isInputError: true)
        }
    }

    /// The next connection; nil when nobody asks for one.
    func accept() -> Int32? {
        let connection = Glibc.accept(descriptor, nil, nil)
        guard connection >= 0 else { return nil }
        SegmentListener.prepare(connection)
        return connection
    }

    func close() {
        Glibc.close(descriptor)
        unlink(path)
    }

    private static func clear(_ path: String) throws {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw NodeError(
                "\(path) exists and is no socket", advice: "Remove it, or choose another path.", isInputError: true)
        }
        let probe = try make()
        defer { Glibc.close(probe) }
        guard try withAddress(path, { connect(probe, $0, $1) }) != 0 else {
            throw NodeError(
                "another process listens at \(path)", advice: "Stop it, or choose another path.", isInputError: true)
        }
        unlink(path)
    }

    private static func make() throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw NodeError("cannot make a socket: \(errorText(errno))") }
        prepare(descriptor)
        return descriptor
    }

    private static func prepare(_ descriptor: Int32) {
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    }

    private static func withAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) throws -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard !bytes.isEmpty, bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw NodeError(
                "the path of a socket has 1 to 107 bytes, this one has \(bytes.count)",
                advice: "Choose another path.", isInputError: true)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
