import CSys
import Glibc

/// The receiver of a descriptor's readiness: a node.
@_spi(Testing)
public protocol DescriptorWaiter: AnyObject {
    /// On the lane.
    func descriptorIsReady()
}

/// A lane's one wait: an epoll set with an eventfd that other threads write.
///
/// **Tokens.** Between `wait` and `deliver` another lane may have run this lane's nodes: some ended, some watch other
/// descriptors. So a token names a place in a table and how often that place was given away, and wakes only the node
/// that still has it.
@_spi(Testing)
public final class Poller: @unchecked Sendable {
    private let epoll: Int32
    private let wake: Int32
    private var places: [Int32: Int] = [:]
    private var table: ContiguousArray<Watch> = []
    private var free: [Int] = []
    private let tokens = UnsafeMutablePointer<UInt64>.allocate(capacity: 64)
    private let events = UnsafeMutablePointer<UInt32>.allocate(capacity: 64)
    private var count = 0

    private struct Watch {
        /// nil where the place is free.
        var waiter: (any DescriptorWaiter)?
        var generation: UInt32 = 0
    }

    private static let bell = UInt64.max

    public init() throws {
        epoll = sys_epoll_create()
        wake = sys_eventfd()
        guard epoll >= 0, wake >= 0, sys_epoll_control(epoll, 0, wake, 1 | 4, Poller.bell) == 0 else {
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

    public var hasDescriptors: Bool { !places.isEmpty }

    /// From any thread.
    public func signal() { _ = sys_eventfd_signal(wake) }

    /// Tells `waiter` while `descriptor` is ready. Another watch of the same descriptor replaces the former one.
    public func watch(_ descriptor: Int32, _ interest: UInt32, for waiter: any DescriptorWaiter) throws {
        let known = places[descriptor]
        let place = known ?? free.last ?? table.count
        // The place stays free until the kernel has agreed.
        let generation = (place < table.count ? table[place].generation : 0) &+ 1
        let token = UInt64(generation) << 32 | UInt64(place)
        guard sys_epoll_control(epoll, known == nil ? 0 : 1, descriptor, interest, token) == 0 else {
            throw NodeError("cannot wait for descriptor \(descriptor): \(errorText(errno))")
        }
        if known == nil && !free.isEmpty { free.removeLast() }
        if place == table.count { table.append(Watch()) }
        table[place] = Watch(waiter: waiter, generation: generation)
        places[descriptor] = place
    }

    public func unwatch(_ descriptor: Int32) {
        guard let place = places.removeValue(forKey: descriptor) else { return }
        _ = sys_epoll_control(epoll, 2, descriptor, 0, 0)
        table[place].waiter = nil
        free.append(place)
    }

    /// Waits at most `nanoseconds` (negative: for ever) for the bell or a descriptor. `deliver` follows.
    public func wait(_ nanoseconds: Int64) {
        count = max(0, Int(sys_epoll_wait(epoll, tokens, events, 64, nanoseconds)))
    }

    /// Wakes the nodes whose descriptors the last `wait` found ready and that watch them still.
    public func deliver() {
        // The eventfd is edge-triggered: each write wakes once, so nobody has to read it. Its count would need 2⁶⁴
        // writes to be full (eventfd(2), epoll(7)).
        for index in 0..<count where tokens[index] != Poller.bell {
            let place = Int(tokens[index] & 0xFFFF_FFFF)
            guard table[place].generation == UInt32(tokens[index] >> 32) else { continue }
            table[place].waiter?.descriptorIsReady()
        }
        count = 0
    }
}
