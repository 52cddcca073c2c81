import CUDP
import Glibc
import Sluice

/// An address of a datagram socket, IPv4 or IPv6.
struct SocketAddress: Equatable {
    private(set) var storage = sockaddr_storage()
    private(set) var length: socklen_t = 0

    init() {}

    /// Finds `host`, which may be a name. Waits for the name server.
    init(host: String, port: Int) throws {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        hints.ai_flags = AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &list)
        guard code == 0, let first = list?.pointee else {
            let why = code == EAI_SYSTEM ? systemError(errno) : String(cString: gai_strerror(code))
            throw NodeError(
                "cannot find host \"\(host)\": \(why)", advice: "Check its name, and the network.", isInputError: true)
        }
        defer { freeaddrinfo(list) }
        length = first.ai_addrlen
        let size = min(Int(length), MemoryLayout<sockaddr_storage>.size)
        withUnsafeMutableBytes(of: &storage) {
            $0.copyMemory(from: UnsafeRawBufferPointer(start: first.ai_addr, count: size))
        }
    }

    /// Of a name structure that a call has filled.
    init(_ storage: sockaddr_storage, _ length: socklen_t) {
        self.storage = storage
        self.length = length
    }

    var family: Int32 { Int32(storage.ss_family) }

    func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        withUnsafePointer(to: storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }

    /// As `127.0.0.1` or `2001:db8::1`, and the port.
    var parts: (host: String, port: Int) {
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        var port = [CChar](repeating: 0, count: 32)
        let code = withPointer {
            getnameinfo(
                $0, $1, &host, socklen_t(host.count), &port, socklen_t(port.count), NI_NUMERICHOST | NI_NUMERICSERV)
        }
        func text(_ bytes: [CChar]) -> String {
            String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        return code == 0 ? (text(host), Int(text(port)) ?? 0) : ("", 0)
    }

    var isMulticast: Bool {
        let host = parts.host
        if host.contains(":") { return host.lowercased().hasPrefix("ff") }
        return host.split(separator: ".").first.flatMap { Int($0) }.map { (224...239).contains($0) } ?? false
    }

    static func == (a: SocketAddress, b: SocketAddress) -> Bool {
        guard a.length == b.length else { return false }
        return withUnsafeBytes(of: a.storage) { one in
            withUnsafeBytes(of: b.storage) { other in
                one.prefix(Int(a.length)).elementsEqual(other.prefix(Int(b.length)))
            }
        }
    }
}

extension SocketAddress: CustomStringConvertible {
    var description: String {
        let (host, port) = parts
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

/// A UDP socket that never blocks.
final class UDPSocket {
    let descriptor: Int32
    let local: SocketAddress

    /// Bursts, of a keyframe say, wait here until the node runs. The kernel gives what net.core.[rw]mem_max allows.
    private static let bufferBytes: Int32 = 4 << 20

    /// Bound to `address`, whose port may be 0. Throws with the kernel's errno.
    init(boundTo address: SocketAddress) throws(SocketFault) {
        let made = try UDPSocket.make(address.family)
        if address.withPointer({ bind(made, $0, $1) }) != 0 {
            let code = errno
            Glibc.close(made)
            throw SocketFault(code: code)
        }
        (descriptor, local) = (made, UDPSocket.name(of: made))
    }

    /// Sends to `peer` and hears from nobody else.
    init(connectedTo peer: SocketAddress) throws(SocketFault) {
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

    private static func name(of descriptor: Int32) -> SocketAddress {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let code = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        return code == 0 ? SocketAddress(storage, length) : SocketAddress()
    }

    /// One datagram; 0 or errno.
    func send(_ bytes: UnsafeRawBufferPointer, to peer: SocketAddress? = nil) -> Int32 {
        let sent =
            peer.map { $0.withPointer { sendto(descriptor, bytes.baseAddress, bytes.count, 0, $0, $1) } }
            ?? Glibc.send(descriptor, bytes.baseAddress, bytes.count, 0)
        return sent >= 0 ? 0 : errno
    }
}

struct SocketFault: Error {
    var code: Int32
    var text: String { systemError(code) }
}

func systemError(_ code: Int32) -> String { String(cString: strerror(code)) }
