import CNet
import Glibc
import Sluice

/// The listening end of a stream socket in the file system. On the lane of the node that has it.
///
/// Where descriptors run out a connection that waits to be accepted would keep the socket readable, and the lane busy.
/// So one descriptor is kept in reserve to accept and refuse it with; where that is gone too, the socket rests until
/// another connection comes.
public final class LocalListener {
    /// Readable when a connection waits.
    public let descriptor: Int32
    let socket: Int32
    private let path: String
    private let system: System
    private let say: (String) -> Void
    private var reserve: Int32
    private var isResting = false
    /// Connections that were refused for want of a descriptor.
    public private(set) var refused = 0
    /// Of those, the ones that were refused since the last connection that was accepted.
    private var refusedLately = 0

    /// Makes the socket. One that a dead process has left there is replaced; anything else is an error. `say` gets a
    /// line when connections are refused for want of descriptors, and when they are accepted again.
    public convenience init(_ path: String, backlog: Int = 8, say: @escaping (String) -> Void = { _ in }) throws {
        try self.init(path, backlog: backlog, system: System(), say: say)
    }

    /// The calls that may fail for want of descriptors: -1 and errno then.
    struct System {
        var accept: (Int32) -> Int32 = { Glibc.accept($0, nil, nil) }
        var spare: () -> Int32 = { open("/dev/null", O_RDONLY | O_CLOEXEC) }
    }

    init(_ path: String, backlog: Int, system: System, say: @escaping (String) -> Void) throws {
        (self.path, self.system, self.say) = (path, system, say)
        try LocalListener.clear(path)
        socket = try LocalSocket.make()
        guard try LocalSocket.withAddress(path, { [socket] in bind(socket, $0, $1) }) == 0,
            listen(socket, Int32(clamping: backlog)) == 0
        else {
            let code = errno
            Glibc.close(socket)
            throw NodeError("cannot listen at \(path): \(errorText(code))", isInputError: true)
        }
        descriptor = net_epoll_create()
        reserve = system.spare()
        guard descriptor >= 0, net_epoll_watch(descriptor, socket, 1, 0) == 0 else {
            let code = errno
            for open in [descriptor, reserve, socket] where open >= 0 { Glibc.close(open) }
            unlink(path)
            throw NodeError("cannot listen at \(path): \(errorText(code))")
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

    /// The next connection; nil when nobody asks for one, or none can be had.
    public func accept() -> Int32? {
        // In this order, so that what comes after the look is news.
        if isResting { _ = net_epoll_take(descriptor) }
        if reserve < 0 { reserve = system.spare() }
        while true {
            let connection = system.accept(socket)
            guard connection < 0 else {
                LocalSocket.prepare(connection)
                rest(false)
                if refusedLately > 0 {
                    say("accepts connections at \(path) again; \(refusedLately) were refused")
                    refusedLately = 0
                }
                return connection
            }
            switch errno {
            case EINTR, ECONNABORTED: continue
            case let code where [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(code):
                guard refuse(code) else { return nil }
            default: return nil
            }
        }
    }

    /// Accepts a connection with the reserved descriptor and closes it; false where there is none.
    private func refuse(_ code: Int32) -> Bool {
        if refusedLately == 0 {
            say(
                "a connection to \(path) is refused: \(errorText(code))\n"
                    + "  Raise the limit of open files (ulimit -n), or close some.")
        }
        guard reserve >= 0 else {
            refusedLately += 1
            rest(true)
            return false
        }
        Glibc.close(reserve)
        let connection = system.accept(socket)
        if connection >= 0 {
            Glibc.close(connection)
            refused += 1
            refusedLately += 1
        }
        reserve = system.spare()
        if connection < 0 { rest(true) }
        return connection >= 0
    }

    private func rest(_ rests: Bool) {
        guard rests != isResting else { return }
        isResting = rests
        _ = net_epoll_watch(descriptor, socket, 0, rests ? 1 : 0)
        // Setting it tells what waits already.
        if rests { _ = net_epoll_take(descriptor) }
    }

    /// Takes the socket out of the file system.
    public func close() {
        for open in [descriptor, socket, reserve] where open >= 0 { Glibc.close(open) }
        unlink(path)
    }
}
