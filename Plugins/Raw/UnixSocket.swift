import Glibc
import Sluice

/// Stream sockets in the file system (unix(7)), non-blocking and closed on exec.
enum UnixSocket {
    /// Connects to whoever listens at `path`; nil when nobody does.
    static func connect(_ path: String) throws -> Int32? {
        let descriptor = try make()
        guard try withAddress(path, { Glibc.connect(descriptor, $0, $1) }) == 0 else {
            let code = errno
            Glibc.close(descriptor)
            if code == ECONNREFUSED || code == ENOENT { return nil }
            throw NodeError("cannot connect to \(path): \(errorText(code))")
        }
        return descriptor
    }

    /// Makes the socket at `path`. One that a dead process has left there is replaced.
    static func listen(_ path: String) throws -> Int32 {
        if let alive = try? connect(path) {
            Glibc.close(alive)
            throw NodeError(
                "another process listens at \(path)", advice: "Stop it, or choose another path.", isInputError: true)
        }
        switch try RawEndpoint(path: path, listens: true).kind() {
        case nil: break
        case .socket: unlink(path)
        default:
            throw NodeError(
                "\(path) exists and is no socket", advice: "Remove it, or choose another path.", isInputError: true)
        }
        let descriptor = try make()
        guard try withAddress(path, { bind(descriptor, $0, $1) }) == 0, Glibc.listen(descriptor, 1) == 0 else {
            let code = errno
            Glibc.close(descriptor)
            throw NodeError("cannot listen at \(path): \(errorText(code))", isInputError: true)
        }
        return descriptor
    }

    /// The next connection; nil when nobody asks for one.
    static func accept(_ listener: Int32) -> Int32? {
        let descriptor = Glibc.accept(listener, nil, nil)
        guard descriptor >= 0 else { return nil }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        RawEndpoint.setNonBlocking(descriptor)
        return descriptor
    }

    private static func make() throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw NodeError("cannot make a socket: \(errorText(errno))") }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        RawEndpoint.setNonBlocking(descriptor)
        return descriptor
    }

    private static func withAddress(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) throws
        -> Int32
    {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw NodeError(
                "the path of a socket has at most 107 bytes, \(path) has \(bytes.count)",
                advice: "Choose a shorter path.",
                isInputError: true)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
