import Foundation
import HTTP
import TestSupport
import Testing

@testable import HTTPPlugin

/// HTTPS and WSS with a certificate that openssl makes.
@Suite(.realPeers) struct TLSTests {
    private let scratch: Scratch
    private let certificate: String
    private let key: String

    init() throws {
        scratch = try Scratch()
        (certificate, key) = (scratch.url.path + "/cert.pem", scratch.url.path + "/key.pem")
        let made = try Finished([
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out",
            certificate,
        ])
        try #require(made.status == 0, "\(made.errors)")
    }

    private func rig() throws -> Rig { try Rig { ($0.certificate, $0.key) = (certificate, key) } }

    @Test func requestsAndLargeFilesGoThroughTLS() throws {
        let rig = try rig()
        #expect(rig.server.address.hasPrefix("https://127.0.0.1:"))
        let page = String(repeating: "page", count: 200_000)
        try rig.serve(HTTPContent("/", type: "text/plain", page))
        var route = HTTPRoute(.post, path: "/p")
        route.bodyLimit = 1_000_000
        try rig.serve(route) { HTTPResponse(200, "text/plain", "\($0.body.count)") }
        let get = try Finished(["curl", "-sS", "--cacert", certificate, "\(rig.server.address)/"])
        #expect(get.output == page, "\(get.errors)")
        let post = try Finished(
            ["curl", "-sS", "--http2", "--cacert", certificate, "-d", "@-", "\(rig.server.address)/p"],
            input: String(repeating: "x", count: 500_000))
        #expect(post.output == "500000", "\(post.errors)")
        for version in ["1.1", "1.2", "1.3"] {
            let run = try Finished([
                "curl", "-sS", "--tls-max", version, "--cacert", certificate, "-o", "/dev/null",
                "\(rig.server.address)/",
            ])
            #expect((run.status == 0) == (version != "1.1"), "\(version): \(run.errors)")
        }
    }

    @Test func webSocketsGoThroughTLS() throws {
        let rig = try rig()
        try rig.echo(WebSocketRoute(path: "/a"))
        let run = try Finished([
            "/usr/bin/python3", "-c",
            """
            import asyncio, ssl, websockets
            trust = ssl.create_default_context(cafile='\(certificate)')
            async def main():
                async with websockets.connect('wss://localhost:\(rig.port)/a', ssl=trust, compression=None) as ws:
                    for size in (0, 1, 60000):
                        await ws.send('x' * size)
                        assert await ws.recv() == 'x' * size + '!'
                print('fine')
            asyncio.run(asyncio.wait_for(main(), 30))
            """,
        ])
        #expect(run.output == "fine\n", "\(run)")
    }

    @Test func onesThatSpeakNoTLSDoNotHoldOthersUp() throws {
        let rig = try rig()
        try rig.serve(HTTPContent("/", type: "text/plain", "page"))
        let silent = (0..<20).map { _ in RawClient(port: rig.port) }
        let plain = RawClient(port: rig.port)
        plain.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        let get = try Finished(["curl", "-sS", "--cacert", certificate, "\(rig.server.address)/"])
        #expect(get.output == "page", "\(get.errors)")
        #expect(!plain.all().contains("page"))
        withExtendedLifetime(silent) {}
    }

    @Test func aKeyOfAnotherCertificateIsRefused() throws {
        let other = scratch.url.path + "/other.pem"
        _ = try Finished(["openssl", "ecparam", "-genkey", "-name", "prime256v1", "-out", other])
        do {
            _ = try Rig { ($0.certificate, $0.key) = (certificate, other) }
            Issue.record("it was taken")
        } catch { #expect("\(error)".contains("the key cannot be read, or is another certificate's"), "\(error)") }
    }
}
