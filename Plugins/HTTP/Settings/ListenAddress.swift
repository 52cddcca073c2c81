import Net
import Sluice

/// Where the service listens: `127.0.0.1:8889`, `[::1]:8889`, `localhost:0`.
struct ListenAddress {
    let socket: SocketAddress
    /// Only processes of this machine reach it.
    let isLocal: Bool

    /// Throws `NodeError` for what is no such address. Names are not looked up, but for localhost.
    init(_ text: String) throws {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            throw ListenAddress.refusal(text)
        }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
        } else if host.contains(":") {
            throw ListenAddress.refusal(text)
        }
        if host == "localhost" { host = "127.0.0.1" }
        guard !host.isEmpty, let found = SocketAddress(numeric: host, port: Int(port)) else {
            throw ListenAddress.refusal(text)
        }
        socket = found
        let bytes = found.hostBytes
        let mapped = bytes.count == 16 && bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xff && bytes[11] == 0xff
        isLocal =
            bytes.count == 4
            ? bytes[0] == 127 : mapped ? bytes[12] == 127 : bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1
    }

    private static func refusal(_ text: String) -> NodeError {
        NodeError(
            "listen is \"\(text)\", and is to be an address and a port",
            advice: "Write 127.0.0.1:8889, [::1]:8889, or 0.0.0.0:8889 for every address of this machine.",
            isInputError: true)
    }
}
