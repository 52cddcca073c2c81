import CNet
import Glibc
import Sluice

/// Datagrams side by side in memory that is kept, sent or received many to a call of the kernel. For one of the two;
/// one lane only.
public final class DatagramBatch {
    /// Datagrams that it holds.
    public let capacity: Int
    /// Bytes that a datagram may have.
    public let room: Int
    /// How many are filled.
    public private(set) var count = 0
    private var first = 0
    private var isSetUp = false
    private let memory: UnsafeMutableRawPointer
    private let pieces: UnsafeMutablePointer<iovec>
    private let messages: UnsafeMutablePointer<udp_message>
    private let names: UnsafeMutablePointer<sockaddr_storage>

    /// `capacity` in datagrams, `room` in bytes of each, rounded up to 64.
    public init(capacity: Int, room: Int) {
        self.capacity = capacity
        self.room = (room + 63) & ~63
        memory = .allocate(byteCount: capacity * self.room, alignment: 64)
        pieces = .allocate(capacity: capacity)
        messages = .allocate(capacity: capacity)
        names = .allocate(capacity: capacity)
        for index in 0..<capacity {
            pieces[index] = iovec(iov_base: memory + index * self.room, iov_len: 0)
            names[index] = sockaddr_storage()
            messages[index] = udp_message()
            messages[index].header.msg_iov = pieces + index
            messages[index].header.msg_iovlen = 1
        }
    }

    deinit {
        memory.deallocate()
        pieces.deallocate()
        messages.deallocate()
        names.deallocate()
    }

    // MARK: Sending

    /// There is no `next`.
    public var isFull: Bool { count == capacity }
    /// Nothing is filled.
    public var isEmpty: Bool { count == 0 }

    /// Memory for the next datagram; there is one.
    public var next: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: memory + count * room, count: room)
    }

    /// Forgets what is filled; the memory stays.
    public func clear() { (first, count) = (0, 0) }

    /// `next` holds a datagram of `size` bytes.
    public func add(_ size: Int) {
        pieces[count].iov_len = size
        count += 1
    }

    /// The fate of the datagrams of one call.
    public struct Outcome {
        /// Datagrams that the kernel took.
        public var sent = 0
        /// Datagrams that nobody listens for: the peer's host said so of ones before.
        public var refused = 0
        /// Datagrams that the kernel does not take.
        public var failed = 0
        /// The kernel's last reason, an errno; 0 where none failed.
        public var error: Int32 = 0
        /// The socket's buffer is full: the rest waits.
        public var isBlocked = false
    }

    /// Sends what there is, as far as the socket takes it.
    public func send(on socket: UDPSocket) -> Outcome {
        var outcome = Outcome()
        while first < count {
            let sent = udp_send(socket.descriptor, messages + first, UInt32(count - first), 0)
            if sent > 0 {
                first += Int(sent)
                outcome.sent += Int(sent)
                continue
            }
            switch errno {
            case EINTR: continue
            case EAGAIN, ENOBUFS:
                outcome.isBlocked = true
                return outcome
            case ECONNREFUSED:
                // The answer to a datagram before; this one has not been sent and is tried again.
                outcome.refused += 1
            case let code:
                outcome.failed += 1
                outcome.error = code
                first += 1
            }
        }
        (first, count) = (0, 0)
        return outcome
    }

    // MARK: Receiving

    /// Fills the batch with what waits at the socket; 0, or errno where it is not just emptiness.
    public func receive(on socket: UDPSocket) -> Int32 {
        // Sets anew what the kernel has changed in those that were filled last.
        for index in 0..<(isSetUp ? count : capacity) { setUp(index) }
        isSetUp = true
        count = 0
        while true {
            let received = udp_receive(socket.descriptor, messages, UInt32(capacity), 0, nil)
            if received >= 0 {
                count = Int(received)
                return 0
            }
            switch errno {
            case EINTR: continue
            case EAGAIN: return 0
            // An error that a datagram that we sent has met.
            case ECONNREFUSED, EHOSTUNREACH, ENETUNREACH: continue
            case let code: return code
            }
        }
    }

    private func setUp(_ index: Int) {
        pieces[index].iov_len = room
        messages[index].header.msg_name = UnsafeMutableRawPointer(names + index)
        messages[index].header.msg_namelen = socklen_t(MemoryLayout<sockaddr_storage>.size)
        messages[index].header.msg_flags = 0
    }

    /// A received datagram and the room behind it, to be decrypted in place.
    public func datagram(_ index: Int) -> (room: UnsafeMutableRawBufferPointer, count: Int) {
        (UnsafeMutableRawBufferPointer(start: memory + index * room, count: room), Int(messages[index].count))
    }

    /// Cut off: it was larger than `room`.
    public func isTruncated(_ index: Int) -> Bool { messages[index].header.msg_flags & Int32(MSG_TRUNC) != 0 }

    /// The address that a received datagram came from.
    public func sender(_ index: Int) -> SocketAddress {
        SocketAddress(names[index], messages[index].header.msg_namelen)
    }
}
