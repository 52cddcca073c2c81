import CWebsockets
import Glibc
import Net
import Sluice

/// The socket that connections come to. It is opened before anything serves it: a port in use is told at once.
///
/// Where descriptors run out, a connection that waits to be accepted would keep the socket readable and its thread
/// busy. So one is kept in reserve, to accept and refuse with.
struct Listener {
    let descriptor: Int32
    /// With the port that the kernel has chosen where 0 was asked for.
    let address: SocketAddress
    private var reserve: Int32

    /// The result of `accept`.
    enum Found {
        case connection(Int32, Peer)
        /// One was refused for want of descriptors.
        case refused
        /// None waits; `isStarved` where one may, and no descriptor can be had.
        case none(isStarved: Bool)
    }

    init(_ wanted: SocketAddress) throws {
        descriptor = socket(
            wanted.family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw Listener.fault(wanted, errno) }
        var (yes, no): (Int32, Int32) = (1, 0)
        let size = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, size)
        // [::] is every address of the machine, IPv4 too.
        if wanted.family == AF_INET6 { setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &no, size) }
        let bound = wanted.withPointer { [descriptor] in bind(descriptor, $0, $1) }
        guard bound == 0, listen(descriptor, 512) == 0 else {
            let code = errno
            Glibc.close(descriptor)
            throw Listener.fault(wanted, code)
        }
        var found = SocketAddress()
        _ = found.fill { [descriptor] in getsockname(descriptor, $0, $1) }
        address = found
        reserve = open("/dev/null", O_RDONLY | O_CLOEXEC)
    }

    private static func fault(_ address: SocketAddress, _ code: Int32) -> NodeError {
        guard code == EADDRINUSE else {
            return NodeError(
                "cannot listen at \(address): \(errorText(code))",
                advice: code == EACCES ? "Ports below 1024 are root's: choose another." : "", isInputError: true)
        }
        let owner = PortOwner.find(address.parts.port)
        return NodeError(
            "cannot listen at \(address): \(owner ?? "another process") has the port",
            advice: "Stop it, or choose another port; 0 takes any that is free.", isInputError: true)
    }

    mutating func accept() -> Found {
        if reserve < 0 { reserve = open("/dev/null", O_RDONLY | O_CLOEXEC) }
        while true {
            var address = SocketAddress()
            let connection = address.fill { [descriptor] in cws_accept(descriptor, $0, $1) }
            guard connection < 0 else {
                var yes: Int32 = 1
                setsockopt(connection, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
                return .connection(connection, Peer(shown: "\(address)", host: address.hostBytes))
            }
            switch errno {
            case EINTR, ECONNABORTED: continue
            case EMFILE, ENFILE, ENOBUFS, ENOMEM:
                guard reserve >= 0 else { return .none(isStarved: true) }
                Glibc.close(reserve)
                let other = Glibc.accept(descriptor, nil, nil)
                if other >= 0 { Glibc.close(other) }
                reserve = open("/dev/null", O_RDONLY | O_CLOEXEC)
                return other >= 0 ? .refused : .none(isStarved: true)
            default: return .none(isStarved: false)
            }
        }
    }

    /// Gives back what it holds beside the socket, which is libwebsockets' once that watches it.
    mutating func closeReserve() {
        if reserve >= 0 { Glibc.close(reserve) }
        reserve = -1
    }
}
