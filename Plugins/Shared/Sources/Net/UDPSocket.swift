import Glibc
import Sluice

/// A UDP socket that never blocks, closed with its object.
public final class UDPSocket {
    /// To watch; it is closed with this object.
    public let descriptor: Int32
    /// As bound, with the port that the kernel chose.
    public let local: SocketAddress

    /// Bursts, of a keyframe say, wait here until the node runs. The kernel gives what net.core.[rw]mem_max allows.
    private static let bufferBytes: Int32 = 4 << 20

    /// Bound to `address`, whose port may be 0. Throws with the kernel's errno.
    public init(boundTo address: SocketAddress) throws(SocketFault) {
        let made = try UDPSocket.make(address.family)
        if address.withPointer({ bind(made, $0, $1) }) != 0 {
            let code = errno
            Glibc.close(made)
            throw SocketFault(code: code)
        }
        (descriptor, local) = (made, UDPSocket.name(of: made))
    }

    /// Sends to `peer` and hears from nobody else.
    public init(connectedTo peer: SocketAddress) throws(SocketFault) {
        let made = try UDPSocket.make(peer.family)
        if peer.withPointer({ connect(made, $0, $1) }) != 0 {
            let code = errno
            Glibc.close(made)
            throw SocketFault(code: code)
        }
        (descriptor, local) = (made, UDPSocket.name(of: made))
    }

    deinit { Glibc.close(descriptor) }

    private static func make(_ family: Int32) throws(SocketFault) -> Int32 {
        let type = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let made = socket(family, type, 0)
        guard made >= 0 else { throw SocketFault(code: errno) }
        var size = bufferBytes
        for option in [SO_RCVBUF, SO_SNDBUF] {
            setsockopt(made, SOL_SOCKET, option, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        return made
    }

    private var refusedSegments = 0
    private static let mostRefusals = 16

    /// The kernel cuts messages into datagrams for this socket (UDP_SEGMENT), as far as is known.
    public var takesSegments: Bool { refusedSegments < UDPSocket.mostRefusals }

    /// It has refused to.
    func noteRefusedSegments() { refusedSegments += 1 }

    private static func name(of descriptor: Int32) -> SocketAddress {
        var address = SocketAddress()
        return address.fill { getsockname(descriptor, $0, $1) } == 0 ? address : SocketAddress()
    }

    /// One datagram; 0 or errno.
    public func send(_ bytes: UnsafeRawBufferPointer, to peer: SocketAddress? = nil) -> Int32 {
        let sent =
            peer.map { $0.withPointer { sendto(descriptor, bytes.baseAddress, bytes.count, 0, $0, $1) } }
            ?? Glibc.send(descriptor, bytes.baseAddress, bytes.count, 0)
        return sent >= 0 ? 0 : errno
    }
}

/// The kernel's answer to a call on a socket.
public struct SocketFault: Error {
    /// An errno.
    public var code: Int32
    /// `code` is an errno.
    public init(code: Int32) { self.code = code }
    /// The system's words for it.
    public var text: String { errorText(code) }
}
