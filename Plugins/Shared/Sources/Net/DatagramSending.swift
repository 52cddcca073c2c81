import CNet
import Glibc
import Sluice

/// Sending what a batch holds, in as few calls as the kernel allows.
extension DatagramBatch {
    /// The fate of the datagrams of one call.
    public struct Outcome {
        /// Datagrams that the kernel took.
        public var sent = 0
        /// Messages that they went in: fewer than datagrams where runs of equal size went as one.
        public var messages = 0
        /// Datagrams that nobody listens for: the peer's host said so of ones before.
        public var refused = 0
        /// Datagrams that the kernel does not take.
        public var failed = 0
        /// The kernel's last reason, an errno; 0 where none failed.
        public var error: Int32 = 0
        /// The socket's buffer is full: the rest waits.
        public var isBlocked = false

        /// Nothing was sent.
        public init() {}
    }

    /// The kernel cuts a message into so many datagrams at most (UDP_MAX_SEGMENTS of older ones).
    private static let mostSegments = 64
    /// A message has so many bytes at most: 16 bits, less the headers of IPv6 and UDP.
    private static let mostBytes = 65_487

    /// Sends what there is, as far as the socket takes it. Runs that the kernel does not cut (no checksums in the
    /// device, or a path for smaller packets) go one by one, and all do once that has happened often. `failed` is
    /// called with the places of those that the kernel does not take.
    public func send(on socket: UDPSocket, failed: (Range<Int>) -> Void = { _ in }) -> Outcome {
        var outcome = Outcome()
        // Up to here datagrams go one by one.
        var single = 0
        while first < count {
            let made = prepare(singleUpTo: socket.takesSegments ? single : count)
            let sent = udp_send(socket.descriptor, messages, UInt32(made), 0)
            if sent > 0 {
                let taken = (0..<Int(sent)).reduce(0) { $0 + Int(messages[$1].header.msg_iovlen) }
                first += taken
                outcome.sent += taken
                outcome.messages += Int(sent)
                continue
            }
            let run = Int(messages[0].header.msg_iovlen)
            switch errno {
            case EINTR: continue
            case EAGAIN, ENOBUFS:
                outcome.isBlocked = true
                return outcome
            case ECONNREFUSED:
                // The answer to a datagram before; this one has not been sent and is tried again.
                outcome.refused += 1
            case EINVAL where run > 1, EIO where run > 1, EMSGSIZE where run > 1, EOPNOTSUPP where run > 1:
                socket.noteRefusedSegments()
                single = first + run
            case let code:
                outcome.failed += run
                outcome.error = code
                failed(first..<first + run)
                first += run
            }
        }
        clear()
        return outcome
    }

    /// Makes messages of the datagrams that are left; gives how many.
    private func prepare(singleUpTo single: Int) -> Int {
        var (made, index) = (0, first)
        while index < count {
            let run = usesSegments && index >= single ? run(from: index) : 1
            let message = messages + made
            message.pointee.header.msg_iov = pieces + index
            message.pointee.header.msg_iovlen = run
            let length = nameLengths[index]
            message.pointee.header.msg_name = length > 0 ? UnsafeMutableRawPointer(names + index) : nil
            message.pointee.header.msg_namelen = length
            if run > 1 {
                udp_cut(message, controls + made, UInt16(truncatingIfNeeded: pieces[index].iov_len))
            } else {
                message.pointee.header.msg_control = nil
                message.pointee.header.msg_controllen = 0
            }
            made += 1
            index += run
        }
        return made
    }

    /// Datagrams from `start` on of one size for one peer; the last may be shorter.
    private func run(from start: Int) -> Int {
        let size = pieces[start].iov_len
        guard size > 0 else { return 1 }
        var (end, total) = (start + 1, size)
        while end < count, end - start < DatagramBatch.mostSegments, case let next = pieces[end].iov_len, next > 0,
            next <= size, total + next <= DatagramBatch.mostBytes, hasSamePeer(start, end)
        {
            end += 1
            total += next
            if next < size { break }
        }
        return end - start
    }

    private func hasSamePeer(_ a: Int, _ b: Int) -> Bool {
        nameLengths[a] == nameLengths[b] && memcmp(names + a, names + b, Int(nameLengths[a])) == 0
    }
}
