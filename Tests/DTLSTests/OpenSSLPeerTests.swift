import DTLS
import Foundation
import Net
import RTP
import Sluice
import TestSupport
import Testing

/// Handshakes with Debian's `openssl`, which prints the keys that it exports.
@Suite(.realPeers, .timeLimit(.minutes(2))) struct OpenSSLPeerTests {
    private static let elliptic = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    private static let profiles = "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM"

    private static let noProfile =
        "the peer takes none of our SRTP profiles: AEAD_AES_128_GCM, AEAD_AES_256_GCM, AES_CM_128_HMAC_SHA1_80"

    private func exporting(_ suite: CryptoSuite) -> [String] {
        ["-keymatexport", "EXTRACTOR-dtls_srtp", "-keymatexportlen", "\(2 * suite.keyLength)"]
    }

    private func text(_ file: URL) -> String {
        (try? Data(contentsOf: file)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// The line `Keying material: 0A1B…`, in the layout of RFC 5764: client's key, server's, client's salt, server's.
    private func exported(_ output: String, _ suite: CryptoSuite) throws -> (client: [UInt8], server: [UInt8]) {
        let line = try #require(output.firstMatch(of: /Keying material: ([0-9A-F]+)/)).1
        let bytes = stride(from: 0, to: line.count, by: 2).map { offset in
            UInt8(line.dropFirst(offset).prefix(2), radix: 16) ?? 0
        }
        let salt = suite == .aesCM128SHA80 ? 14 : 12
        let key = suite.keyLength - salt
        try #require(bytes.count == 2 * suite.keyLength)
        return (
            Array(bytes[..<key] + bytes[(2 * key)..<2 * key + salt]),
            Array(bytes[key..<2 * key] + bytes[(2 * key + salt)...])
        )
    }

    /// A client, and the server's session when both are done.
    private func connectClient(
        _ words: [String], expecting fingerprint: Fingerprint, output: URL? = nil, until: (DTLSSession) -> Bool
    ) throws -> OpenSSLPeer {
        let socket = try UDPSocket(boundTo: try #require(SocketAddress(numeric: "127.0.0.1", port: 0)))
        let session = try DTLSSession(
            .server, certificate: .ofProcess(), peer: [fingerprint], now: OpenSSLPeer.now)
        let peer = OpenSSLPeer(session, socket)
        let tool = try PeerProcess(
            ["openssl", "s_client", "-connect", "127.0.0.1:\(socket.local.parts.port)"] + words, output: output)
        try peer.pump(until: "the end of openssl s_client", beside: tool) {
            until(session) && (output == nil || !tool.isRunning)
        }
        tool.terminate()
        return peer
    }

    @Test(arguments: [
        (profiles, CryptoSuite.aesGCM128), ("SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM", .aesGCM256),
        ("SRTP_AES128_CM_SHA1_32:SRTP_AES128_CM_SHA1_80", .aesCM128SHA80),
    ])
    func aServerChoosesTheBestProfileOfAnOpenSSLClient(_ offered: String, _ suite: CryptoSuite) throws {
        let files = try OpenSSLFiles(key: Self.elliptic)
        let output = files.scratch.url.appending(path: "output")
        // Its input is empty, so it says goodbye once it is connected.
        let keys = try connectClient(
            ["-dtls1_2", "-use_srtp", offered] + files.words + exporting(suite), expecting: files.fingerprint,
            output: output
        ) { $0.state == .closed }.keys
        let expected = try exported(text(output), suite)
        #expect(keys?.suite == suite)
        #expect(keys?.sending == expected.server && keys?.receiving == expected.client)
        let ours = try DTLSCertificate.ofProcess().fingerprint
        #expect(try OpenSSLFiles.fingerprint(ofPEM: output.path, files.scratch) == ours)
    }

    @Test(arguments: [elliptic, ["rsa:2048"]]) func aClientConnectsToAnOpenSSLServer(_ key: [String]) throws {
        let files = try OpenSSLFiles(key: key)
        let output = files.scratch.url.appending(path: "output")
        let port = Ports.one()
        let words =
            ["s_server", "-accept", "127.0.0.1:\(port)", "-dtls1_2", "-Verify", "1", "-use_srtp"]
            + [Self.profiles] + files.words + exporting(.aesCM128SHA80)
        // It ends with its input.
        let line = words.map { "'\($0)'" }.joined(separator: " ")
        let tool = try PeerProcess(["sh", "-c", "tail -f /dev/null | openssl \(line)"], output: output)
        try wait(for: "openssl s_server's port") { Ports.isBound(port) }
        let socket = try UDPSocket(connectedTo: try #require(SocketAddress(numeric: "127.0.0.1", port: port)))
        let session = try DTLSSession(
            .client, certificate: .ofProcess(), peer: [files.fingerprint], now: OpenSSLPeer.now)
        let peer = OpenSSLPeer(session, socket)
        try peer.pump(until: "keys on both sides", beside: tool) {
            Handshake.keys(session) != nil && text(output).contains(/Keying material: [0-9A-F]+\n/)
        }
        // That server prefers its own order, in which AES_CM comes first.
        let keys = try #require(Handshake.keys(session))
        #expect(keys.suite == .aesCM128SHA80)
        let expected = try exported(text(output), .aesCM128SHA80)
        #expect(keys.sending == expected.client && keys.receiving == expected.server)
        peer.close()
        tool.terminate()
    }

    @Test func dataBehindTheHandshakeAreCountedAndIgnored() throws {
        let files = try OpenSSLFiles(key: Self.elliptic)
        let words = (["-dtls1_2", "-quiet", "-use_srtp", Self.profiles] + files.words).map { "'\($0)'" }
        let socket = try UDPSocket(boundTo: try #require(SocketAddress(numeric: "127.0.0.1", port: 0)))
        let session = try DTLSSession(
            .server, certificate: .ofProcess(), peer: [files.fingerprint], now: OpenSSLPeer.now)
        let peer = OpenSSLPeer(session, socket)
        let line = "openssl s_client -connect 127.0.0.1:\(socket.local.parts.port) \(words.joined(separator: " "))"
        let tool = try PeerProcess(["sh", "-c", "echo data | \(line)"])
        try peer.pump(until: "data", beside: tool) { session.ignored > 0 }
        #expect(Handshake.keys(session) != nil)
        peer.close()
        tool.terminate()
    }

    @Test(arguments: [
        (["-dtls1_2"], true, noProfile),
        (["-dtls1_2", "-use_srtp", "SRTP_AES128_CM_SHA1_32"], true, noProfile),
        (["-dtls1_2", "-use_srtp", profiles], false, "the peer shows no certificate"),
        (["-dtls1", "-cipher", "DEFAULT@SECLEVEL=0"], true, "the peer does not speak DTLS 1.2"),
        (
            ["-dtls1_2", "-cipher", "AES128-SHA"], true,
            "the peer has no cipher in common with us (ECDHE with AES-GCM or ChaCha20)"
        ),
    ])
    func aClientThatDoesNotFitIsRefusedInASentence(_ words: [String], _ hasCertificate: Bool, _ why: String) throws {
        let files = try OpenSSLFiles(key: Self.elliptic)
        let peer = try connectClient(
            words + (hasCertificate ? files.words : []), expecting: files.fingerprint
        ) { $0.state != .handshaking }
        #expect(peer.session.state == .failed(why))
    }
}
