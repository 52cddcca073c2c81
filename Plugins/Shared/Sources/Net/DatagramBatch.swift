import CNet
import Glibc
import Sluice

/// Datagrams one behind the other in memory that is kept, sent or received many to a call of the kernel. For one of the
/// two; one lane only.
public final class DatagramBatch {
    /// Datagrams that it holds.
    public let capacity: Int
    /// Bytes that a datagram may have.
    public let room: Int
    // One lane only, so exclusivity need not be checked at run time.
    /// How many are filled.
    @exclusivity(unchecked) public internal(set) var count = 0
    /// Datagrams of one size that go to one peer, one behind the other, go as one message which the kernel cuts.
    let usesSegments: Bool
    /// The first that was not sent yet.
    @exclusivity(unchecked) var first = 0
    private var isSetUp = false
    private let memory: UnsafeMutableRawPointer
    private let memorySize: Int
    /// Bytes of `memory` behind which `next` begins.
    @exclusivity(unchecked) private var filled = 0
    let pieces: UnsafeMutablePointer<iovec>
    let messages: UnsafeMutablePointer<udp_message>
    let names: UnsafeMutablePointer<sockaddr_storage>
    /// Bytes of `names` that count; 0 where a datagram goes to the peer of a connected socket.
    let nameLengths: UnsafeMutablePointer<socklen_t>
    let controls: UnsafeMutablePointer<udp_segment_control>

    /// `capacity` in datagrams, `room` in bytes of the largest, rounded up to 64. `bytes` is how many all of them may
    /// have together, for sending only; nil is room for each. With `segments` a run of datagrams of equal size, of
    /// which only the last may be shorter, costs the kernel little more than one (UDP_SEGMENT, udp(7)); a capture of
    /// packets on this machine may show such a run as one.
    public init(capacity: Int, room: Int, bytes: Int? = nil, segments: Bool = false) {
        self.capacity = capacity
        self.room = (room + 63) & ~63
        usesSegments = segments
        memorySize = max(self.room, bytes ?? capacity * self.room)
        memory = .allocate(byteCount: memorySize, alignment: 64)
        pieces = .allocate(capacity: capacity)
        messages = .allocate(capacity: capacity)
        names = .allocate(capacity: capacity)
        nameLengths = .allocate(capacity: capacity)
        controls = .allocate(capacity: segments ? capacity : 0)
        for index in 0..<capacity {
            pieces[index] = iovec()
            names[index] = sockaddr_storage()
            nameLengths[index] = 0
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
        nameLengths.deallocate()
        controls.deallocate()
    }

    // MARK: Filling

    /// There is no `next`.
    public var isFull: Bool { count == capacity || filled + room > memorySize }
    /// Nothing is filled.
    public var isEmpty: Bool { count == 0 }

    /// Memory for the next datagram; there is one.
    public var next: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: memory + filled, count: room)
    }

    /// Forgets what is filled; the memory stays.
    public func clear() { (first, count, filled) = (0, 0, 0) }

    /// `next` holds a datagram of `size` bytes, for `peer`, or for that of a connected socket.
    public func add(_ size: Int, to peer: SocketAddress? = nil) {
        nameLengths[count] = 0
        if let peer {
            names[count] = peer.storage
            nameLengths[count] = peer.length
        }
        take(size)
    }

    /// The same for a peer whose address lies in memory already.
    @inline(__always)
    public func add(_ size: Int, to peer: UnsafePointer<SocketAddress>) {
        let length = peer.pointee.length
        nameLengths[count] = length
        UnsafeMutableRawPointer(names + count).copyMemory(from: peer, byteCount: Int(length))
        take(size)
    }

    @inline(__always)
    private func take(_ size: Int) {
        pieces[count] = iovec(iov_base: memory + filled, iov_len: size)
        filled += (size + 63) & ~63
        count += 1
    }

    /// The places of datagrams that are filled and not sent yet.
    public var unsent: Range<Int> { first..<count }

    /// Each datagram that is filled and not sent yet.
    public func withEach(_ body: (UnsafeRawBufferPointer) -> Void) {
        for index in first..<count {
            body(UnsafeRawBufferPointer(start: pieces[index].iov_base, count: pieces[index].iov_len))
        }
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
        pieces[index] = iovec(iov_base: memory + index * room, iov_len: room)
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
