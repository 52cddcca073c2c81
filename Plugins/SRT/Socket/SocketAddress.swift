import CSRT
import Glibc
import Sluice

/// An address of the Internet, IPv4 or IPv6, with its port.
struct SocketAddress: Sendable {
    private(set) var storage = sockaddr_storage()
    private(set) var length = socklen_t(MemoryLayout<sockaddr_storage>.size)

    init() {}

    /// Of memory that somebody else owns.
    init(_ address: UnsafePointer<sockaddr>) {
        let isIPv6 = Int32(address.pointee.sa_family) == AF_INET6
        length = socklen_t(isIPv6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size)
        withUnsafeMutableBytes(of: &storage) {
            $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: Int(length)))
        }
    }

    /// Finds a host by its name, which may wait. An empty one is every address of this machine, to listen at.
    static func find(_ host: String, port: UInt16) throws -> SocketAddress {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        if host.isEmpty {
            hints.ai_flags = AI_PASSIVE
            // Every IPv4 address: libsrt's option for both families depends on the system's setting.
            hints.ai_family = AF_INET
        }
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host.isEmpty ? nil : host, String(port), &hints, &list)
        guard code == 0, let first = list?.pointee else {
            let why = code == EAI_SYSTEM ? String(cString: strerror(errno)) : String(cString: gai_strerror(code))
            throw NodeError("cannot find host \"\(host)\": \(why)", advice: "Check its name, and the network.")
        }
        defer { freeaddrinfo(list) }
        return SocketAddress(first.ai_addr)
    }

    func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, Int32) throws -> Result) rethrows -> Result {
        try withUnsafePointer(to: storage) {
            try $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { try body($0, Int32(length)) }
        }
    }

    /// Filled by `body`, which gets room and how much of it there is.
    mutating func fill(_ body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<Int32>) -> Int32) -> Int32 {
        var size = Int32(MemoryLayout<sockaddr_storage>.size)
        let code = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, &size) }
        }
        length = socklen_t(max(0, size))
        return code
    }

    var family: Int32 { Int32(storage.ss_family) }

    /// Every address of this machine, of the same family, at the same port: what a rendezvous binds to.
    var anywhere: SocketAddress {
        var other = self
        withUnsafeMutableBytes(of: &other.storage) { bytes in
            switch family {
            case AF_INET6:
                let offset = MemoryLayout<sockaddr_in6>.offset(of: \.sin6_addr)!
                for index in 0..<16 { bytes[offset + index] = 0 }
            default:
                let offset = MemoryLayout<sockaddr_in>.offset(of: \.sin_addr)!
                for index in 0..<4 { bytes[offset + index] = 0 }
            }
        }
        return other
    }

    /// `192.0.2.1:9000`, `[2001:db8::1]:9000`.
    var text: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 80) { room in
            let (host, service) = (room.baseAddress!, room.baseAddress! + 64)
            let code = withPointer { address, length in
                getnameinfo(address, socklen_t(length), host, 64, service, 16, NI_NUMERICHOST | NI_NUMERICSERV)
            }
            guard code == 0 else { return "?" }
            let (name, port) = (String(cString: host), String(cString: service))
            return name.contains(":") ? "[\(name)]:\(port)" : "\(name):\(port)"
        }
    }
}
