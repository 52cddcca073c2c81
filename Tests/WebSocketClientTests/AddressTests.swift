import Testing
import WebSocketClient

@Suite("Addresses of WebSockets") struct AddressTests {
    @Test(arguments: [
        ("wss://a.example", true, "a.example", 443, "/", "a.example"),
        ("ws://a.example:8080/b/c?d=e#f", false, "a.example", 8_080, "/b/c?d=e", "a.example:8080"),
        ("https://a.example?d", true, "a.example", 443, "/?d", "a.example"),
        ("HTTP://[::1]:80/x", false, "::1", 80, "/x", "[::1]:80"),
        ("http://[fe80::1]", false, "fe80::1", 80, "/", "[fe80::1]"),
    ])
    func haveTheirParts(
        text: String, hasTLS: Bool, host: String, port: Int, path: String, authority: String
    ) throws {
        let address = try #require(WebSocketAddress(text))
        #expect(address.hasTLS == hasTLS && address.host == host && address.port == port)
        #expect(address.path == path && address.authority == authority)
    }

    @Test(arguments: [
        "", "a.example", "ftp://a.example", "ws://", "ws://user@a.example", "ws://a.example:0", "ws://a.example:65536",
        "ws://a.example:x", "ws://[::1", "ws://[::1]x", "ws://a b", "ws://ä.example", "ws://:80",
    ])
    func othersAreNone(text: String) { #expect(WebSocketAddress(text) == nil) }
}
