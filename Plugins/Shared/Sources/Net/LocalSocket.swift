import Glibc
import Sluice

/// Stream sockets in the file system (unix(7)), non-blocking and closed on exec.
public enum LocalSocket {
    /// Connects to the listener at `path`; nil when there is none.
    public static func connect(_ path: String) throws -> Int32? {
        let descriptor = try make()
        guard try withAddress(path, { Glibc.connect(descriptor, $0, $1) }) == 0 else {
            let code = errno
            Glibc.close(descriptor)
            if code == ECONNREFUSED || code == ENOENT { return nil }
            throw NodeError("cannot connect to \(path): \(errorText(code))")
        }
        return descriptor
    }

    static func make() throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw NodeError("cannot make a socket: \(errorText(errno))") }
        prepare(descriptor)
        return descriptor
    }

    static func prepare(_ descriptor: Int32) {
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    }

    static func withAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) throws -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard !bytes.isEmpty, bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw NodeError(
                "the path of a socket has 1 to 107 bytes, \"\(path)\" has \(bytes.count)",
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
