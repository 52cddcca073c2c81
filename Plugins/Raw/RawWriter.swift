import Glibc
import Net
import Sluice

/// The writing end of a raw stream. Never blocks on a pipe or socket: what does not go out now waits until the
/// descriptor is writable.
final class RawWriter {
    enum Step: Equatable {
        case bytes(Int)
        /// Nothing goes out just now; the node is woken when that changes.
        case wait
        /// The reader is gone, the next one is waited for: what was begun is lost.
        case gone
    }

    private let endpoint: RawEndpoint
    private let waits: Bool
    private let context: NodeContext
    private var descriptor: Int32 = -1
    /// A regular file or a device; it closes its descriptor itself.
    private var file: WrittenFile?
    private var listener: LocalListener?
    private var standard: StandardDescriptor?
    private var watched: Int32 = -1
    private var kind = RawEndpoint.Kind.regular
    private var saysWaiting = false
    private lazy var slowReader = "the reader of \(name)"

    /// A FIFO tells nobody that its reader has come, so it is asked this often.
    static let retry = Interval.milliseconds(100)

    var name: String { file?.path ?? endpoint.name("standard output") }
    var isOpen: Bool { descriptor >= 0 }

    /// Opens it, or finds out that a reader must come first. Throws where nothing can ever go out.
    init(
        _ endpoint: RawEndpoint, onReaderGone: OnReaderGone, ifExists: WrittenFile.Existing, _ context: NodeContext
    ) throws {
        self.endpoint = endpoint
        self.context = context
        waits = onReaderGone == .wait
        // A closed pipe, or a limit on the file's size, is to be an error of one write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        if endpoint.path == "-" { try openStandard() } else { try openPath(ifExists) }
    }

    private func openStandard() throws {
        kind = try RawEndpoint.kind(of: STDOUT_FILENO)
        try endpoint.refuseWaiting(kind, context)
        guard kind != .terminal else {
            throw NodeError(
                "standard output is a terminal", advice: "Pipe it into a process or a file.", isInputError: true)
        }
        descriptor = STDOUT_FILENO
        if kind == .fifo || kind == .socket { standard = StandardDescriptor(STDOUT_FILENO) }
        if kind == .fifo { RawEndpoint.enlargePipe(descriptor, context) }
    }

    private func openPath(_ ifExists: WrittenFile.Existing) throws {
        let found = try endpoint.kind()
        try endpoint.refuseWaiting(found, context)
        if endpoint.listens {
            listener = try LocalListener(endpoint.path, backlog: 1) { [context] in context.log(.warning, $0) }
            context.log(.info, "listens at \(endpoint.path)")
            kind = .socket
            return
        }
        kind = found ?? .regular
        switch kind {
        case .fifo: try openFIFO()
        case .socket:
            guard let connected = try LocalSocket.connect(endpoint.path) else {
                throw NodeError(
                    "nobody listens at \(endpoint.path)", advice: "Start its reader first, or set \"listen\": true.",
                    isInputError: true)
            }
            descriptor = connected
        case .regular, .device, .terminal:
            let file = try context.openFile(endpoint.path, ifExists: ifExists)
            if !file.isRegular { RawEndpoint.setNonBlocking(file.descriptor) }
            descriptor = file.descriptor
            self.file = file
        }
    }

    /// Leaves it closed while no process reads it.
    private func openFIFO() throws {
        descriptor = Glibc.open(endpoint.path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else {
            guard errno == ENXIO else {
                throw NodeError("cannot write to \(endpoint.path): \(errorText(errno))", isInputError: true)
            }
            return
        }
        RawEndpoint.enlargePipe(descriptor, context)
    }

    // MARK: On the lane

    func write(_ memory: UnsafeBufferPointer<iovec>, now: Instant) throws -> Step {
        guard try isOpen || reach() else { return try waitForReader(now) }
        try begin()
        while true {
            let count = writev(descriptor, memory.baseAddress, Int32(memory.count))
            if count >= 0 {
                unwatch()
                if saysWaiting { context.isWaiting(for: nil) }
                saysWaiting = false
                return .bytes(count)
            }
            switch errno {
            case EINTR: continue
            case EAGAIN:
                try watch(descriptor, .writable)
                if !saysWaiting { context.isWaiting(for: slowReader) }
                saysWaiting = true
                return .wait
            case EPIPE, ECONNRESET: return try readerGone()
            case ENOSPC, EDQUOT, EFBIG:
                throw NodeError(
                    "\(name) is full: \(errorText(errno))",
                    advice: "The file keeps what was written before. Make room or choose another place.")
            default: throw NodeError("cannot write to \(name): \(errorText(errno))")
            }
        }
    }

    /// A file holds nothing else from now on, whether something comes or not.
    func begin() throws {
        if let code = file?.begin(), code != 0 { throw NodeError("cannot write to \(name): \(errorText(code))") }
    }

    /// Everything is written. Throws where the file is gone, and with it what was written.
    func conclude() throws {
        guard let file, let words = file.whereabouts.words(of: name) else { return }
        guard file.whereabouts != .removed else { throw NodeError(words) }
        context.log(.warning, words)
    }

    /// Tries to get a reader.
    private func reach() throws -> Bool {
        if let listener {
            guard let accepted = listener.accept() else { return false }
            unwatch()
            descriptor = accepted
            if !waits { closeListener() }
        } else if kind == .fifo {
            try openFIFO()
        } else if kind == .socket, let connected = try LocalSocket.connect(endpoint.path) {
            descriptor = connected
        }
        guard isOpen else { return false }
        context.isWaiting(for: nil)
        return true
    }

    private func waitForReader(_ now: Instant) throws -> Step {
        context.isWaiting(for: "a reader on \(name)")
        if let listener { try watch(listener.descriptor, .readable) } else { context.wake(at: now + RawWriter.retry) }
        return .wait
    }

    private func readerGone() throws -> Step {
        guard waits, endpoint.path != "-" else {
            throw NodeError(
                "the reader of \(name) is gone",
                advice: endpoint.path == "-" ? "" : "Set \"on_reader_gone\": \"wait\" to go on with the next one.")
        }
        unwatch()
        saysWaiting = false
        // Before anybody hears of it: with the last end of a FIFO closed, what lay in it is gone too.
        Glibc.close(descriptor)
        descriptor = -1
        context.log(.warning, "the reader of \(name) is gone; waiting for the next")
        return .gone
    }

    private func watch(_ wanted: Int32, _ interest: NodeContext.Interest) throws {
        guard watched != wanted else { return }
        unwatch()
        try context.watch(wanted, for: interest)
        watched = wanted
    }

    private func unwatch() {
        guard watched >= 0 else { return }
        context.unwatch(watched)
        watched = -1
    }

    private func closeListener() {
        listener?.close()
        listener = nil
    }

    func close() {
        unwatch()
        closeListener()
        if let standard {
            standard.restore()
        } else if file == nil, descriptor > STDERR_FILENO {
            Glibc.close(descriptor)
        }
        file = nil
        descriptor = -1
    }
}
