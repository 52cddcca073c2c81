import Glibc
import ICE
import Net
import Sluice

/// Where the port listens, and which addresses peers are told.
struct PortAddress {
    /// To bind to.
    let local: SocketAddress
    /// Of this machine, or those that stand for it, without ports that are not known yet.
    private let advertised: [SocketAddress]

    /// `listen` is `HOST:PORT`, `[HOST]:PORT` or `:PORT`; `advertise` has addresses with or without a port, parted by
    /// commas. Both in digits. Throws `NodeError`.
    init(listen: String, advertise: String) throws {
        local = try PortAddress.address(listen, "listen", port: nil)
        advertised = try advertise.split(separator: ",").map { part in
            let text = part.drop { $0 == " " }
            return try PortAddress.address(String(text), "advertise", port: 0)
        }
    }

    private static func address(_ text: String, _ name: String, port: Int?) throws -> SocketAddress {
        var host = text[...]
        var number = port
        if let colon = text.lastIndex(of: ":"), text.hasPrefix("[") || text.firstIndex(of: ":") == colon {
            guard text[..<colon].last == "]" || !text.hasPrefix("[") else { throw refusal(text, name) }
            (host, number) = (text[..<colon], Int(text[text.index(after: colon)...]))
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard let number, let found = SocketAddress(numeric: String(host), port: number) else {
            throw refusal(text, name)
        }
        return found
    }

    private static func refusal(_ text: String, _ name: String) -> NodeError {
        NodeError(
            "\(name) \"\(text)\" is no address",
            advice: name == "listen"
                ? "Write an address in digits and a port: 0.0.0.0:8189, [::]:8189."
                : "Write addresses in digits, parted by commas: 203.0.113.5, or 203.0.113.5:8189 for another port.",
            isInputError: true)
    }

    /// The addresses that peers are told, for a socket bound to `bound`: those that are advertised, else the one that
    /// it is bound to, else every one of this machine that others may reach.
    func told(boundTo bound: SocketAddress) -> [SocketAddress] {
        let port = Int(bound.port)
        guard advertised.isEmpty else { return advertised.map { $0.port == 0 ? $0.at(port: port) : $0 } }
        guard bound == bound.anywhere else { return [bound] }
        let own = PortAddress.interfaces(family: bound.family).map { $0.at(port: port) }
        let reachable = own.filter { $0.reach != .machine && $0.reach != .nowhere && $0.reach != .link }
        return reachable.isEmpty ? own.filter { $0.reach == .machine } : reachable
    }

    /// Addresses of this machine's interfaces that are up; IPv4 too where `family` is IPv6, whose sockets take both.
    private static func interfaces(family: Int32) -> [SocketAddress] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return [] }
        defer { freeifaddrs(list) }
        var found: [SocketAddress] = []
        var next = list
        while let entry = next?.pointee {
            next = entry.ifa_next
            guard let raw = entry.ifa_addr, entry.ifa_flags & UInt32(IFF_UP) != 0 else { continue }
            let kind = Int32(raw.pointee.sa_family)
            guard kind == AF_INET || kind == AF_INET6 && family == AF_INET6 else { continue }
            let address = SocketAddress(raw)
            if !found.contains(address) { found.append(address) }
        }
        return found
    }
}
