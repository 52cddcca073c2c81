import Glibc
import Sluice

/// An address of the Internet, IPv4 or IPv6, with its port.
public struct SocketAddress: Sendable {
    /// As calls of the kernel take it; `length` bytes of it count.
    public private(set) var storage = sockaddr_storage()
    /// Bytes of `storage` that count; 0 where there is no address.
    public private(set) var length: socklen_t = 0

    /// No address.
    public init() {}

    /// Of a name structure that a call has filled.
    public init(_ storage: sockaddr_storage, _ length: socklen_t) {
        self.storage = storage
        self.length = min(length, socklen_t(MemoryLayout<sockaddr_storage>.size))
    }

    /// Copies memory that somebody else owns.
    public init(_ address: UnsafePointer<sockaddr>) {
        let isIPv6 = Int32(address.pointee.sa_family) == AF_INET6
        length = socklen_t(isIPv6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size)
        withUnsafeMutableBytes(of: &storage) {
            $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: Int(length)))
        }
    }

    /// An address in digits: `192.0.2.1`, `2001:db8::1`. An empty one is every IPv4 address of this machine, to listen
    /// at. nil for a name, and for a port that is none. Asks nobody and never waits.
    public init?(numeric host: String, port: Int) {
        guard case .success(let found) = SocketAddress.ask(host, port, AI_NUMERICHOST) else { return nil }
        self = found[0]
    }

    /// Finds a host by its name. It may wait for a name server: on a worker, never on a lane.
    /// Throws `NodeError`; `isInputError` is what that says of itself.
    public static func find(_ host: String, port: Int, isInputError: Bool = false) throws -> SocketAddress {
        try findAll(host, port: port, isInputError: isInputError)[0]
    }

    /// All addresses of a host, at least one and at most eight, in the order in which they are to be tried (RFC 6724);
    /// otherwise as `find`.
    public static func findAll(_ host: String, port: Int, isInputError: Bool = false) throws -> [SocketAddress] {
        switch ask(host, port, 0) {
        case .success(let found): return found
        case .failure(let fault):
            throw NodeError(
                "cannot find host \"\(host)\": \(fault.why)", advice: "Check its name, and the network.",
                isInputError: isInputError)
        }
    }

    private struct Fault: Error { var why: String }

    private static func ask(_ host: String, _ port: Int, _ flags: Int32) -> Result<[SocketAddress], Fault> {
        guard UInt16(exactly: port) != nil else { return .failure(Fault(why: "\(port) is no port")) }
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        hints.ai_flags = flags | AI_NUMERICSERV
        if host.isEmpty {
            hints.ai_flags |= AI_PASSIVE
            // Every IPv4 address: libsrt's option for both families depends on the system's setting.
            hints.ai_family = AF_INET
        }
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host.isEmpty ? nil : host, String(port), &hints, &list)
        guard code == 0, list?.pointee.ai_addr != nil else {
            let system = errno
            return .failure(Fault(why: code == EAI_SYSTEM ? errorText(system) : String(cString: gai_strerror(code))))
        }
        defer { freeaddrinfo(list) }
        var found: [SocketAddress] = []
        var next = list
        while let entry = next?.pointee, found.count < 8 {
            if let address = entry.ai_addr, case let read = SocketAddress(address), !found.contains(read) {
                found.append(read)
            }
            next = entry.ai_next
        }
        return .success(found)
    }

    /// For calls of the kernel; the pointer is good inside `body`.
    public func withPointer<Result>(
        _ body: (UnsafePointer<sockaddr>, socklen_t) throws -> Result
    ) rethrows -> Result {
        try withUnsafePointer(to: storage) {
            try $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { try body($0, length) }
        }
    }

    /// Filled by `body`, which gets room and how much of it there is; returns what `body` does.
    public mutating func fill(
        _ body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> Int32 {
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let code = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, &size) }
        }
        length = min(size, socklen_t(MemoryLayout<sockaddr_storage>.size))
        return code
    }

    /// AF_INET or AF_INET6; AF_UNSPEC where there is no address.
    public var family: Int32 { Int32(storage.ss_family) }

    /// Every address of this machine, of the same family, at the same port.
    public var anywhere: SocketAddress {
        var other = self
        withUnsafeMutableBytes(of: &other.storage) { bytes in
            // in6_addr begins after family, port and flow label, in_addr after family and port (RFC 3493, section 3.3).
            let (offset, count) = family == AF_INET6 ? (8, 16) : (4, 4)
            for index in 0..<count { bytes[offset + index] = 0 }
        }
        return other
    }

    /// The same host at another port; the same address where there is no such port.
    public func at(port: Int) -> SocketAddress { SocketAddress(numeric: parts.host, port: port) ?? self }

    /// The address without its port: 4 bytes, 16 of IPv6; none where there is no address.
    public var hostBytes: [UInt8] {
        withUnsafeBytes(of: storage) { bytes in
            switch family {
            case AF_INET: Array(bytes[4..<8])
            case AF_INET6: Array(bytes[8..<24])
            default: []
            }
        }
    }

    /// As `127.0.0.1` or `2001:db8::1`, and the port.
    public var parts: (host: String, port: Int) {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 96) { room in
            guard let host = room.baseAddress else { return ("", 0) }
            let service = host + 80
            let code = withPointer { address, length in
                getnameinfo(address, length, host, 80, service, 16, NI_NUMERICHOST | NI_NUMERICSERV)
            }
            return code == 0 ? (String(cString: host), Int(String(cString: service)) ?? 0) : ("", 0)
        }
    }

    /// 224.0.0.0/4, ff00::/8.
    public var isMulticast: Bool {
        withUnsafeBytes(of: storage) { bytes in
            switch family {
            case AF_INET: bytes[4] & 0xf0 == 0xe0
            case AF_INET6: bytes[8] == 0xff
            default: false
            }
        }
    }
}

extension SocketAddress: Equatable, Hashable {
    public static func == (a: SocketAddress, b: SocketAddress) -> Bool {
        guard a.length == b.length else { return false }
        return withUnsafeBytes(of: a.storage) { one in
            withUnsafeBytes(of: b.storage) { other in
                one.prefix(Int(a.length)).elementsEqual(other.prefix(Int(b.length)))
            }
        }
    }

    public func hash(into hasher: inout Hasher) {
        withUnsafeBytes(of: storage) { hasher.combine(bytes: UnsafeRawBufferPointer(rebasing: $0[..<Int(length)])) }
    }
}

extension SocketAddress: CustomStringConvertible {
    /// `192.0.2.1:9000`, `[2001:db8::1]:9000`; `?` where there is no address.
    public var description: String {
        let (host, port) = parts
        if host.isEmpty { return "?" }
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
