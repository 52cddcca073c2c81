import DTLS
import Foundation
import Glibc
import Net
import Sluice
import TestSupport
import Testing

/// A session with a socket and the real clock, as one side of a handshake with Debian's `openssl`.
final class OpenSSLPeer {
    let session: DTLSSession
    let socket: UDPSocket
    /// As the handshake gave them, whatever came behind it.
    private(set) var keys: SRTPKeys?
    private var datagrams = DTLSDatagrams()
    private var room = [UInt8](repeating: 0, count: 65_536)

    init(_ session: DTLSSession, _ socket: UDPSocket) { (self.session, self.socket) = (session, socket) }

    static var now: Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// Goes on until something holds.
    func pump(until what: String, beside tool: PeerProcess, _ holds: () -> Bool) throws {
        func said() -> [String: String] { ["openssl": tool.said, "we": "\(session.state)"] }
        func step() -> Bool {
            pump()
            return holds()
        }
        try wait(for: what, said: said, step)
    }

    /// Does what can be done now. Answers go where the last datagram came from, or to a connected socket's peer.
    func pump() {
        while true {
            var from = sockaddr_storage()
            var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let count = withUnsafeMutablePointer(to: &from) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    recvfrom(socket.descriptor, &room, room.count, 0, $0, &size)
                }
            }
            guard count >= 0 else { break }
            peer = SocketAddress(from, size)
            room.withUnsafeBytes {
                session.receive(UnsafeRawBufferPointer(rebasing: $0[..<count]), now: OpenSSLPeer.now, &datagrams)
            }
            keys = Handshake.keys(session) ?? keys
            flush()
        }
        session.handleTimeout(now: OpenSSLPeer.now, &datagrams)
        flush()
    }

    private var peer: SocketAddress?

    private func flush() {
        datagrams.withEach { _ = socket.send($0, to: peer) }
        datagrams.removeAll()
    }

    func close() {
        session.close(&datagrams)
        flush()
    }
}

/// A certificate and a key of the tool's own making, and what it says of certificates.
struct OpenSSLFiles {
    let scratch: Scratch
    let fingerprint: Fingerprint

    private func path(_ name: String) -> String { scratch.url.appending(path: name).path }

    /// `key` is what `openssl req -newkey` takes.
    init(key: [String]) throws {
        let scratch = try Scratch()
        func path(_ name: String) -> String { scratch.url.appending(path: name).path }
        let words =
            ["openssl", "req", "-x509", "-nodes", "-newkey"] + key
            + ["-subj", "/CN=peer", "-keyout", path("key.pem"), "-out", path("cert.pem")]
        let maker = try PeerProcess(words)
        maker.waitUntilExit()
        #expect(maker.terminationStatus == 0, "\(maker.said)")
        self.scratch = scratch
        fingerprint = try OpenSSLFiles.fingerprint(ofPEM: path("cert.pem"), scratch)
    }

    var words: [String] { ["-cert", path("cert.pem"), "-key", path("key.pem")] }

    /// As the tool computes it: `sha256 Fingerprint=4A:…`.
    static func fingerprint(ofPEM path: String, _ scratch: Scratch) throws -> Fingerprint {
        let output = scratch.url.appending(path: "fingerprint")
        let tool = try PeerProcess(
            ["openssl", "x509", "-in", path, "-noout", "-fingerprint", "-sha256"], output: output)
        tool.waitUntilExit()
        let text = try String(contentsOf: output, encoding: .utf8)
        return try Fingerprint("sha-256 " + (text.split(separator: "=").last ?? ""))
    }
}
