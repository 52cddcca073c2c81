import Glibc

/// A connection that a test writes and reads by hand. Reads wait at most 20 s.
final class RawClient {
    let descriptor: Int32

    init(port: Int, from host: String = "127.0.0.1") {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var patience = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        if host != "127.0.0.1" { withAddress(host, 0) { _ = bind(descriptor, $0, $1) } }
        withAddress("127.0.0.1", port) { _ = connect(descriptor, $0, $1) }
    }

    deinit { close(descriptor) }

    private func withAddress(_ host: String, _ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Void) {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        inet_pton(AF_INET, host, &address.sin_addr)
        withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }

    @discardableResult
    func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    /// The next bytes; empty at the end, or where nothing comes.
    func receive() -> [UInt8] {
        var room = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &room, room.count, 0)
        return count > 0 ? Array(room[..<count]) : []
    }

    /// Everything up to the end.
    func all() -> String {
        var bytes: [UInt8] = []
        while case let more = receive(), !more.isEmpty { bytes += more }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Up to so many answers with `Content-Length`, or without a body.
    func answers(_ count: Int = 1) -> [String] {
        var rest = ""
        var found: [String] = []
        while found.count < count {
            if let end = rest.firstRange(of: "\r\n\r\n") {
                let head = rest[..<end.upperBound]
                let length = head.firstMatch(of: /Content-Length: (\d+)/).flatMap { Int($0.1) } ?? 0
                let body = rest[end.upperBound...].utf8
                if body.count >= length {
                    let whole = body.index(body.startIndex, offsetBy: length)
                    found.append(String(rest[..<whole]))
                    rest = String(rest[whole...])
                    continue
                }
            }
            let more = receive()
            if more.isEmpty { return found + (rest.isEmpty ? [] : [rest]) }
            rest += String(decoding: more, as: UTF8.self)
        }
        return found
    }

    /// One request, and its answer on a connection of its own.
    static func ask(_ port: Int, _ text: String) -> String {
        let client = RawClient(port: port)
        client.send(text)
        return client.answers().first ?? ""
    }
}
