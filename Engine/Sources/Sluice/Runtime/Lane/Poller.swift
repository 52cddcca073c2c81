import CSys
import Glibc

/// A lane's one wait: an epoll set with an eventfd that other threads write.
final class Poller: @unchecked Sendable {
    private let epoll: Int32
    private let wake: Int32
    private var watched: [Int32: UInt32] = [:]
    private let tokens = UnsafeMutablePointer<UInt64>.allocate(capacity: 64)
    private let events = UnsafeMutablePointer<UInt32>.allocate(capacity: 64)
    private var count = 0

    init() throws {
        epoll = sys_epoll_create()
        wake = sys_eventfd()
        guard epoll >= 0, wake >= 0, sys_epoll_control(epoll, 0, wake, 1 | 4, 0) == 0 else {
            throw NodeError(
                "the kernel refuses another lane: \(errorText(errno))",
                advice: "Raise the limit of open files (ulimit -n).")
        }
    }

    deinit {
        Glibc.close(wake)
        Glibc.close(epoll)
        tokens.deallocate()
        events.deallocate()
    }

    var hasDescriptors: Bool { !watched.isEmpty }

    /// From any thread.
    func signal() { _ = sys_eventfd_signal(wake) }

    func watch(_ descriptor: Int32, _ interest: UInt32, token: UInt) throws {
        let operation: Int32 = watched[descriptor] == nil ? 0 : 1
        guard sys_epoll_control(epoll, operation, descriptor, interest, UInt64(token)) == 0 else {
            throw NodeError("cannot wait for descriptor \(descriptor): \(errorText(errno))")
        }
        watched[descriptor] = interest
    }

    func unwatch(_ descriptor: Int32) {
        guard watched.removeValue(forKey: descriptor) != nil else { return }
        _ = sys_epoll_control(epoll, 2, descriptor, 0, 0)
    }

    /// Waits at most `nanoseconds` (negative: for ever) for the bell or a descriptor. `deliver` follows.
    func wait(_ nanoseconds: Int64) { count = max(0, Int(sys_epoll_wait(epoll, tokens, events, 64, nanoseconds))) }

    /// Wakes the nodes whose descriptors the last `wait` found ready.
    func deliver() {
        for index in 0..<count {
            // The eventfd is edge-triggered: each write wakes once, so nobody has to read it. Its count would need 2⁶⁴ writes
            // to be full (eventfd(2), epoll(7)).
            if tokens[index] != 0 {
                Unmanaged<NodeCore>.fromOpaque(UnsafeRawPointer(bitPattern: UInt(tokens[index]))!)
                    ._withUnsafeGuaranteedRef { $0.wakeLocal(.descriptor) }
            }
        }
    }
}
