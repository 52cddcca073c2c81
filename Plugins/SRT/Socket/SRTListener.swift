import CSRT
import Glibc
import Net
import Sluice
import Synchronization

/// A port that SRT callers call. Who may come in is decided while a caller still waits for its answer, on libsrt's
/// thread; those who may are picked up with `accept` on the lane.
final class SRTListener: @unchecked Sendable {
    /// Somebody who calls.
    struct Caller: Sendable {
        var address: SocketAddress
        var streamID: String
    }

    enum Verdict: Sendable {
        /// With its own latency, where it is not the listener's.
        case accept(latencyMilliseconds: Int?)
        /// With one of `SRTRejection`'s codes.
        case refuse(Int32)
    }

    private let socket: SRTSocket
    private let screen: Screen
    let address: SocketAddress

    /// Listens at once. Each decision wakes `mailbox`. `judge` is called on libsrt's thread and must not wait. Throws `NodeError` where the port is taken.
    init(
        at address: SocketAddress, _ options: SRTOptions, backlog: Int = 32, wakes mailbox: Mailbox,
        judge: @escaping @Sendable (Caller) -> Verdict
    ) throws {
        var options = options
        // A listener has none: callers name theirs.
        options.streamID = ""
        socket = try SRTSocket(options)
        screen = Screen(judge, mailbox)
        try socket.bind(address)
        self.address = socket.ownAddress
        // Never given back: libsrt's thread may be asking while the listener is closed.
        let opaque = Unmanaged.passRetained(screen).toOpaque()
        srt_listen_callback(
            socket.handle,
            { opaque, handle, _, address, streamID in
                guard let opaque, let address else { return -1 }
                return Unmanaged<Screen>.fromOpaque(opaque).takeUnretainedValue().ask(handle, address, streamID)
            }, opaque)
        guard srt_listen(socket.handle, Int32(backlog)) != SRT_ERROR else {
            throw NodeError(
                "cannot listen at \(address): \(SRTLibrary.lastError)",
                advice: "Two nodes cannot listen at one port: choose another, or start a template for each caller.",
                isInputError: true)
        }
    }

    var handle: SRTSOCKET { socket.handle }

    /// The next caller who came in.
    func accept() -> (socket: SRTSocket, caller: Caller)? {
        var address = SocketAddress()
        let handle = address.fillSRT { srt_accept(socket.handle, $0, $1) }
        guard handle != SRT_INVALID_SOCK else { return nil }
        let accepted = SRTSocket(accepted: handle)
        let streamID = accepted.streamID
        screen.forget(address)
        return (accepted, Caller(address: address, streamID: streamID))
    }

    /// What is said of one of `lostInHandshake`.
    static let lostWords = "did not get past the handshake: its passphrase is another, or it gave up"

    /// Those who were let in `patience` ago and have not come: the handshake went no further. Each is told once.
    func lostInHandshake(_ now: Instant, patience: Interval = .milliseconds(1_500)) -> [Caller] {
        screen.overdue(now, patience)
    }

    /// Somebody was let in and has not come yet: look again soon.
    var hasPending: Bool { screen.hasPending }

    /// Who was refused since the last call, and with which code.
    func refused() -> [(Caller, Int32)] { screen.takeRefused() }

    /// What libsrt's thread and the lane share.
    private final class Screen: Sendable {
        private let judge: @Sendable (Caller) -> Verdict
        private let mailbox: Mailbox
        private let state = Mutex(State())

        struct State {
            /// Let in and not yet picked up. When they were first seen on the lane.
            var pending: [(caller: Caller, since: Instant?)] = []
            var refused: [(Caller, Int32)] = []
        }

        /// Who calls again and again must not fill the memory.
        private static let limit = 64

        init(_ judge: @escaping @Sendable (Caller) -> Verdict, _ mailbox: Mailbox) {
            (self.judge, self.mailbox) = (judge, mailbox)
        }

        func ask(_ handle: SRTSOCKET, _ address: UnsafePointer<sockaddr>, _ name: UnsafePointer<CChar>?) -> Int32 {
            let caller = Caller(address: SocketAddress(address), streamID: name.map { String(cString: $0) } ?? "")
            // After it has been noted: whoever is woken looks at once.
            defer { mailbox.post() }
            switch judge(caller) {
            case .accept(let latency):
                if var latency = latency.map({ Int32(clamping: $0) }) {
                    srt_setsockflag(handle, SRTO_LATENCY, &latency, Int32(MemoryLayout<Int32>.size))
                }
                state.withLock { if $0.pending.count < Screen.limit { $0.pending.append((caller, nil)) } }
                return 0
            case .refuse(let reason):
                srt_setrejectreason(handle, reason)
                state.withLock { if $0.refused.count < Screen.limit { $0.refused.append((caller, reason)) } }
                return -1
            }
        }

        func forget(_ address: SocketAddress) {
            state.withLock { $0.pending.removeAll { $0.caller.address == address } }
        }

        func overdue(_ now: Instant, _ patience: Interval) -> [Caller] {
            state.withLock { state in
                var late: [Caller] = []
                for index in state.pending.indices.reversed() {
                    if let since = state.pending[index].since {
                        if now - since >= patience { late.append(state.pending.remove(at: index).caller) }
                    } else {
                        state.pending[index].since = now
                    }
                }
                return late
            }
        }

        var hasPending: Bool { state.withLock { !$0.pending.isEmpty } }

        func takeRefused() -> [(Caller, Int32)] {
            state.withLock { state in
                defer { state.refused = [] }
                return state.refused
            }
        }
    }
}
