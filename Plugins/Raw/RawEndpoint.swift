import Glibc
import Sluice

/// Where raw media come from or go to: `-` for standard input or output, or a path to a FIFO, a Unix socket, a regular
/// file or a device.
struct RawEndpoint {
    let path: String
    /// Makes the socket and waits for the other side, instead of connecting to it.
    let listens: Bool

    enum Kind: Equatable { case regular, fifo, socket, device, terminal }

    /// The path, or what `-` stands for, as sentences name it.
    func name(_ standard: String) -> String { path == "-" ? standard : path }

    /// The kind of file at the path; nil if nothing is there.
    func kind() throws -> Kind? {
        var status = stat()
        guard stat(path, &status) == 0 else {
            if errno == ENOENT { return nil }
            throw NodeError("cannot look at \(path): \(errorText(errno))", isInputError: true)
        }
        guard let kind = RawEndpoint.kind(status, -1) else {
            throw NodeError(
                "\(path) is a directory", advice: "Name a file, a FIFO or a Unix socket.", isInputError: true)
        }
        return kind
    }

    /// Its bytes lie ready.
    var isRegularFile: Bool {
        var status = stat()
        return (path == "-" ? fstat(STDIN_FILENO, &status) : stat(path, &status)) == 0
            && status.st_mode & S_IFMT == S_IFREG
    }

    static func kind(of descriptor: Int32) throws -> Kind {
        var status = stat()
        guard fstat(descriptor, &status) == 0, let kind = kind(status, descriptor) else {
            throw NodeError("descriptor \(descriptor) cannot be used: \(errorText(errno))", isInputError: true)
        }
        return kind
    }

    private static func kind(_ status: stat, _ descriptor: Int32) -> Kind? {
        switch status.st_mode & S_IFMT {
        case S_IFREG, S_IFBLK: .regular
        case S_IFIFO: .fifo
        case S_IFSOCK: .socket
        case S_IFCHR: descriptor >= 0 && isatty(descriptor) == 1 ? .terminal : .device
        default: nil
        }
    }

    /// Virtual time stands still while a node works, so it can wait for nobody.
    func refuseWaiting(_ kind: Kind?, _ context: NodeContext) throws {
        guard context.isVirtual, listens || kind == .fifo || kind == .socket || kind == .terminal else { return }
        throw NodeError(
            "\(path) is \(listens ? "to be a socket" : "no regular file"), and virtual time can wait for nobody",
            advice: "Name a regular file, or run with --clock system.", isInputError: true)
    }

    /// Room in a pipe for an eighth of a 1080p picture instead of 64 KiB: fewer wake-ups on both sides. The lane's own
    /// value counts first. Refused where the user's pipes are over their limit (pipe(7)); then it stays as it was,
    /// which is said if somebody asked for it.
    static func enlargePipe(_ descriptor: Int32, _ context: NodeContext) {
        let (setPipeSize, getPipeSize): (Int32, Int32) = (1031, 1032)  // F_SETPIPE_SZ and F_GETPIPE_SZ: _GNU_SOURCE
        guard fcntl(descriptor, setPipeSize, Int32(clamping: context.pipeBytes ?? 1 << 20)) < 0,
            let asked = context.pipeBytes
        else { return }
        let code = errno
        context.log(
            .warning,
            "a pipe of \(asked >> 10) KiB refused (\(errorText(code))): it has \(fcntl(descriptor, getPipeSize, 0) >> 10) KiB. Run as root or raise /proc/sys/fs/pipe-max-size."
        )
    }

    static func setNonBlocking(_ descriptor: Int32) {
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    }
}

/// Standard input or output made non-blocking, and put back as it was: other processes share the open file.
struct StandardDescriptor {
    let descriptor: Int32
    private let flags: Int32

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
        flags = fcntl(descriptor, F_GETFL)
        RawEndpoint.setNonBlocking(descriptor)
    }

    func restore() { if flags >= 0 { _ = fcntl(descriptor, F_SETFL, flags) } }
}
