import CSRT
import Glibc
import Sluice
import Synchronization

/// Wakes nodes when something has changed on their SRT sockets: data came, room is there, a call was answered, a
/// connection ended. libsrt has no descriptor for that. One thread of the process waits for all sockets in libsrt's own
/// wait and wakes the nodes.
final class SRTPoller: Sendable {
    static let shared = SRTPoller()

    private let epoll: Int32
    private let nodes = Mutex<[SRTSOCKET: NodeContext.Handle]>([:])
    private let thread = Mutex<pthread_t?>(nil)
    private let isEnding = Atomic<Bool>(false)

    private init() {
        epoll = srt_epoll_create()
        // Waits also while there is no socket.
        _ = srt_epoll_set(epoll, Int32(SRT_EPOLL_ENABLE_EMPTY.rawValue))
        var made = pthread_t()
        let code = pthread_create(
            &made, nil,
            { _ in
                SRTPoller.shared.run()
                return nil
            }, nil)
        guard code == 0 else { return }
        thread.withLock { $0 = made }
        // libsrt destroys at the exit what its wait waits on, and hangs now and then where somebody still waits.
        atexit { SRTPoller.shared.end() }
    }

    private func end() {
        isEnding.store(true, ordering: .relaxed)
        // Its wait looks each 10 ms whether the set is still there.
        _ = srt_epoll_release(epoll)
        if let thread = thread.withLock({ $0 }) { pthread_join(thread, nil) }
    }

    /// `node` is woken at each change from now on, until `unwatch`. Any thread.
    func watch(_ socket: SRTSOCKET, _ node: NodeContext.Handle) {
        nodes.withLock { $0[socket] = node }
        // Edges, not levels: a node reads or writes until there is nothing more to do.
        var events = Int32(bitPattern: SRT_EPOLL_ET.rawValue)
        events |= Int32(SRT_EPOLL_IN.rawValue | SRT_EPOLL_OUT.rawValue | SRT_EPOLL_ERR.rawValue)
        _ = srt_epoll_add_usock(epoll, socket, &events)
    }

    /// Before the socket is closed.
    func unwatch(_ socket: SRTSOCKET) {
        _ = srt_epoll_remove_usock(epoll, socket)
        nodes.withLock { $0[socket] = nil }
    }

    private func run() {
        var events = [SRT_EPOLL_EVENT](repeating: SRT_EPOLL_EVENT(), count: 64)
        while !isEnding.load(ordering: .relaxed) {
            let count = srt_epoll_uwait(epoll, &events, Int32(events.count), -1)
            guard count > 0 else {
                // Never seen; it must not become a loop that eats a processor.
                if count < 0 { usleep(10_000) }
                continue
            }
            nodes.withLock { all in
                for event in events.prefix(Int(count)) { all[event.fd]?.post() }
            }
        }
    }
}
