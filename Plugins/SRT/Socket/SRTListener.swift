import CSRT
import Glibc
import Net
import Sluice
import Synchronization

/// A port that SRT callers call. A caller is accepted or refused while it still waits for its answer, on libsrt's
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
    /// Of its gate.
    private let number: Int
    let address: SocketAddress
    let admission: Admission

    /// Listens at once. Each decision of `admission` wakes `node`. Throws `NodeError` where the port is taken.
    init(
        at address: SocketAddress, _ options: SRTOptions, backlog: Int = 32, admission: Admission,
        wakes node: NodeContext.Handle
    ) throws {
        var options = options
        // A listener has none: callers name theirs.
        options.streamID = ""
        self.admission = admission
        socket = try SRTSocket(options)
        try socket.bind(address)
        self.address = socket.ownAddress
        number = Gate.add(Gate(admission, node))
        srt_listen_callback(
            socket.handle,
            { opaque, handle, _, address, streamID in
                guard let gate = Gate.of(Int(bitPattern: opaque)), let address else { return -1 }
                return gate.ask(handle, address, streamID)
            }, UnsafeMutableRawPointer(bitPattern: number))
        guard srt_listen(socket.handle, Int32(backlog)) != SRT_ERROR else {
            throw NodeError(
                "cannot listen at \(address): \(SRTLibrary.lastError)",
                advice: "Two nodes cannot listen at one port: choose another, or start a template for each caller.",
                isInputError: true)
        }
    }

    deinit { Gate.remove(number) }

    var handle: SRTSOCKET { socket.handle }

    /// The next caller who came in.
    func accept() -> (socket: SRTSocket, caller: Caller)? {
        var address = SocketAddress()
        let handle = address.fillSRT { srt_accept(socket.handle, $0, $1) }
        guard handle != SRT_INVALID_SOCK else { return nil }
        let accepted = SRTSocket(accepted: handle)
        let streamID = accepted.streamID
        return (accepted, Caller(address: address, streamID: streamID))
    }

    /// The part that libsrt's thread calls. It may be asking while the listener is closed, so it gets a number and no
    /// pointer.
    private final class Gate: Sendable {
        private struct All: Sendable {
            var byNumber: [Int: Gate] = [:]
            var last = 0
        }

        private static let all = Mutex(All())

        static func add(_ gate: Gate) -> Int {
            all.withLock { all in
                all.last += 1
                all.byNumber[all.last] = gate
                return all.last
            }
        }

        static func remove(_ number: Int) { all.withLock { $0.byNumber[number] = nil } }
        static func of(_ number: Int) -> Gate? { all.withLock { $0.byNumber[number] } }

        private let admission: Admission
        private let node: NodeContext.Handle

        init(_ admission: Admission, _ node: NodeContext.Handle) { (self.admission, self.node) = (admission, node) }

        func ask(_ handle: SRTSOCKET, _ address: UnsafePointer<sockaddr>, _ name: UnsafePointer<CChar>?) -> Int32 {
            let caller = Caller(address: SocketAddress(address), streamID: name.map { String(cString: $0) } ?? "")
            // After it has been noted: the node that is woken looks at once.
            defer { node.post() }
            switch admission.judge(caller) {
            case .accept(let latency):
                if var latency = latency.map({ Int32(clamping: $0) }) {
                    srt_setsockflag(handle, SRTO_LATENCY, &latency, Int32(MemoryLayout<Int32>.size))
                }
                return 0
            case .refuse(let reason):
                srt_setrejectreason(handle, reason)
                return -1
            }
        }
    }
}
