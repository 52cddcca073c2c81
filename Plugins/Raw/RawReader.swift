import Glibc
import Net
import Sluice

/// The reading end of a raw stream. Never blocks on a pipe or socket: it watches the descriptor while there is nothing
/// to read. Regular files, which cannot be watched, are read as the caller asks.
final class RawReader {
    enum Step: Equatable {
        case bytes(Int)
        /// Nothing just now; the node is woken when that changes.
        case wait
        /// The writer is gone. `goesOn`: the next one is waited for.
        case end(goesOn: Bool)
    }

    private let endpoint: RawEndpoint
    private let reopens: Bool
    private let context: NodeContext
    private var descriptor: Int32 = -1
    private var listener: LocalListener?
    private var standard: StandardDescriptor?
    private var watched: Int32 = -1
    /// Bytes came since the descriptor was opened.
    private var hasRead = false
    /// It was said that the writer is waited for.
    private var saysWaiting = false
    private(set) var kind = RawEndpoint.Kind.regular

    var name: String { endpoint.name("standard input") }

    /// Opens it. Throws where nothing can ever come.
    init(_ endpoint: RawEndpoint, onEnd: OnEnd, _ context: NodeContext) throws {
        self.endpoint = endpoint
        self.context = context
        reopens = onEnd == .reopen
        if endpoint.path == "-" { try openStandard() } else { try openPath() }
        guard !reopens || kind == .fifo && endpoint.path != "-" || listener != nil else {
            close()
            throw NodeError(
                "\(name) cannot be reopened",
                advice: "\"on_end\": \"reopen\" is for a FIFO, or a socket with \"listen\": true.",
                isInputError: true)
        }
    }

    /// Whether bytes arrive when somebody writes them, and not when they are asked for.
    var isLive: Bool { kind != .regular && kind != .device }

    private func openStandard() throws {
        kind = try RawEndpoint.kind(of: STDIN_FILENO)
        try endpoint.refuseWaiting(kind, context)
        guard kind != .terminal else {
            throw NodeError("standard input is a terminal", advice: "Pipe raw media into it.", isInputError: true)
        }
        descriptor = STDIN_FILENO
        if isLive { standard = StandardDescriptor(STDIN_FILENO) }
        if kind == .fifo { RawEndpoint.enlargePipe(descriptor, context) }
    }

    private func openPath() throws {
        let found = try endpoint.kind()
        try endpoint.refuseWaiting(found, context)
        if endpoint.listens {
            listener = try LocalListener(endpoint.path, backlog: 1) { [context] in context.log(.warning, $0) }
            context.log(.info, "listens at \(endpoint.path)")
            kind = .socket
            return
        }
        guard let found else {
            throw NodeError(
                "there is no \(endpoint.path)", advice: "Name a file, or make a FIFO with mkfifo before the start.",
                isInputError: true)
        }
        kind = found
        descriptor = try found == .socket ? connect() : openFile()
        if found == .fifo { RawEndpoint.enlargePipe(descriptor, context) }
    }

    private func connect() throws -> Int32 {
        if let connected = try LocalSocket.connect(endpoint.path) { return connected }
        throw NodeError(
            "nobody listens at \(endpoint.path)", advice: "Start its writer first, or set \"listen\": true.",
            isInputError: true)
    }

    private func openFile() throws -> Int32 {
        let opened = Glibc.open(endpoint.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard opened >= 0 else {
            throw NodeError("cannot open \(endpoint.path): \(errorText(errno))", isInputError: true)
        }
        guard !WrittenFile.isWritten(beside: opened) else {
            Glibc.close(opened)
            throw NodeError(
                "cannot open \(endpoint.path): this run writes that file", advice: "Write to another file.",
                isInputError: true)
        }
        return opened
    }

    // MARK: On the lane

    func read(into memory: UnsafeBufferPointer<iovec>) throws -> Step {
        if descriptor < 0 {
            guard let listener else { return .wait }
            guard let accepted = listener.accept() else { return try wait(on: listener.descriptor) }
            unwatch()
            descriptor = accepted
            if !reopens { closeListener() }
        }
        while true {
            let count = readv(descriptor, memory.baseAddress, Int32(memory.count))
            if count > 0 {
                if !hasRead {
                    hasRead = true
                    says(waiting: false)
                }
                return .bytes(count)
            }
            if count == 0 {
                // A FIFO reads as ended until its first writer came; only an event on it tells that one has left.
                let hadEvent = watched == descriptor && context.reasons.contains(.descriptor)
                if kind == .fifo, !hasRead, !hadEvent { return try wait(on: descriptor) }
                return try end()
            }
            switch errno {
            case EINTR: continue
            case EAGAIN: return try wait(on: descriptor)
            case ECONNRESET: return try end()
            default: throw NodeError("cannot read \(name): \(errorText(errno))")
            }
        }
    }

    /// There is no room: a readable descriptor would wake the node for nothing.
    func pause() {
        unwatch()
        says(waiting: false)
    }

    /// For the watchdog's sentence when media stand still. It is not taken back for every piece that comes.
    private func says(waiting: Bool) {
        guard waiting != saysWaiting else { return }
        saysWaiting = waiting
        context.isWaiting(for: waiting ? (hasRead ? "more from the writer on \(name)" : "a writer on \(name)") : nil)
    }

    private func wait(on waited: Int32) throws -> Step {
        says(waiting: true)
        if watched != waited {
            unwatch()
            try context.watch(waited, for: .readable)
            watched = waited
        }
        return .wait
    }

    private func unwatch() {
        guard watched >= 0 else { return }
        context.unwatch(watched)
        watched = -1
    }

    private func end() throws -> Step {
        guard reopens else { return .end(goesOn: false) }
        // The new reader before the old one leaves: between them a writer would find none.
        let next = kind == .fifo ? try openFile() : -1
        unwatch()
        Glibc.close(descriptor)
        descriptor = next
        hasRead = false
        says(waiting: false)
        return .end(goesOn: true)
    }

    private func closeListener() {
        listener?.close()
        listener = nil
    }

    func close() {
        unwatch()
        closeListener()
        if let standard { standard.restore() } else if descriptor > STDERR_FILENO { Glibc.close(descriptor) }
        descriptor = -1
    }
}
