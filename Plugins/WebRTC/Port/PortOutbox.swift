import Glibc
import Net
import Sluice
import Synchronization

/// Datagrams of many peers on their way to the kernel. Those of nodes that run on one thread go together, many to a
/// call, so that a call is not paid for each packet, and neither the kernel's code nor ours leaves the cache for it.
///
/// The first node that puts something in is to call `flush` behind the other nodes of its lane. No datagram waits
/// longer than `longestWait` where others are put in.
final class PortOutbox: @unchecked Sendable {
    /// Datagrams of one stream that the kernel did not take. Any thread counts, the stream's lane takes.
    final class Losses: Sendable {
        private let count = Atomic<Int>(0)

        func add(_ more: Int) { count.wrappingAdd(more, ordering: .relaxed) }

        /// Those since the last call.
        func take() -> Int {
            count.load(ordering: .relaxed) == 0 ? 0 : count.exchange(0, ordering: .relaxed)
        }
    }

    /// Packets of a hundred viewers' picture, in one call: a receiver that sleeps between two of them is woken twice.
    private let capacity: Int
    private static let bytes = 512 << 10
    static let longestWait = Interval.milliseconds(2)

    private let socket: UDPSocket
    private let lock = Mutex<Void>(())
    // Under the lock, so exclusivity need not be checked at run time. Memory for them is there once something is sent.
    @exclusivity(unchecked) private var batch: DatagramBatch?
    /// Whose the datagrams are, each up to a place.
    @exclusivity(unchecked) private var owners: [(losses: Unmanaged<Losses>, end: Int)] = []
    @exclusivity(unchecked) private var began = Instant(nanoseconds: 0)
    @exclusivity(unchecked) private var isAwaited = false

    /// `capacity` in datagrams.
    init(_ socket: UDPSocket, capacity: Int = 512) { (self.socket, self.capacity) = (socket, capacity) }

    /// Puts in what `fill` writes for `peer`, until it gives nil; a size of 0 is no datagram. True where the caller is
    /// to flush. `losses` has to live until the datagrams are gone: a reference that is counted for each packet would
    /// bring memory of the peer into the cache twice more.
    @inline(__always)
    func add(
        to peer: UnsafePointer<SocketAddress>, _ losses: Losses, now: Instant,
        _ fill: (UnsafeMutableRawBufferPointer) -> Int?
    ) -> Bool {
        lock.withLock { _ in
            let batch = self.batch ?? makeBatch()
            var start = batch.count
            while true {
                if batch.isFull {
                    if batch.count > start { owners.append((Unmanaged.passUnretained(losses), batch.count)) }
                    send()
                    start = 0
                }
                guard let size = fill(batch.next) else { break }
                if size > 0 { batch.add(size, to: peer) }
            }
            guard batch.count > start else { return false }
            owners.append((Unmanaged.passUnretained(losses), batch.count))
            guard isAwaited else {
                (isAwaited, began) = (true, now)
                return true
            }
            if now - began > PortOutbox.longestWait { send() }
            return false
        }
    }

    private func makeBatch() -> DatagramBatch {
        let made = DatagramBatch(
            capacity: capacity, room: PeerSession.room, bytes: PortOutbox.bytes, segments: true)
        batch = made
        return made
    }

    func flush() { lock.withLock { _ in send() } }

    private func send() {
        isAwaited = false
        guard let batch, !batch.isEmpty else { return }
        _ = batch.send(on: socket, failed: { note($0) })
        // A socket whose buffer is full loses packets as a network does; peers ask for them again.
        if !batch.isEmpty { note(batch.unsent) }
        batch.clear()
        owners.removeAll(keepingCapacity: true)
    }

    private func note(_ failed: Range<Int>) {
        var start = 0
        for (losses, end) in owners {
            let count = min(end, failed.upperBound) - max(start, failed.lowerBound)
            if count > 0 { losses._withUnsafeGuaranteedRef { $0.add(count) } }
            start = end
        }
    }
}

/// The outboxes of a port, one a thread as far as they go round.
struct PortOutboxes: Sendable {
    private let boxes: [PortOutbox]
    private static let count = 16

    init(_ socket: UDPSocket) { boxes = (0..<PortOutboxes.count).map { _ in PortOutbox(socket) } }

    /// That of the present thread.
    var present: PortOutbox { boxes[ThreadNumber.present % PortOutboxes.count] }
}

/// Threads, counted as they first ask.
enum ThreadNumber {
    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key, nil)
        return key
    }()
    private static let count = Atomic<Int>(0)

    static var present: Int {
        if let known = pthread_getspecific(key) { return Int(bitPattern: known) - 1 }
        let number = count.wrappingAdd(1, ordering: .relaxed).oldValue
        pthread_setspecific(key, UnsafeRawPointer(bitPattern: number + 1))
        return number
    }
}
