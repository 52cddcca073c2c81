import Glibc
import ICE
import Net
import Sluice
import Testing

/// A peer's TCP connection to the port, with frames of RFC 4571. It waits for the kernel, at most ten seconds.
final class TCPPeer {
    let descriptor: Int32
    private var reader = TCPFrameReader(limit: 65_535)
    private var frames: [[UInt8]] = []
    private(set) var isClosed = false

    init(to address: SocketAddress) throws {
        descriptor = socket(address.family, Int32(SOCK_STREAM.rawValue), 0)
        try #require(descriptor >= 0 && address.withPointer { connect(descriptor, $0, $1) } == 0)
    }

    deinit { close(descriptor) }

    /// Bytes as they are.
    func write(_ bytes: [UInt8]) {
        _ = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }

    func send(_ packet: [UInt8]) {
        var stream: [UInt8] = []
        packet.withUnsafeBytes { _ = TCPFrameReader.append($0, to: &stream) }
        write(stream)
    }

    /// The next frame; nil where the connection is closed, or nothing comes.
    func next() -> [UInt8]? {
        while frames.isEmpty, !isClosed {
            var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&watched, 1, 10_000) == 1 else { return nil }
            var room = [UInt8](repeating: 0, count: 65_536)
            let got = recv(descriptor, &room, room.count, 0)
            guard got > 0 else {
                isClosed = true
                break
            }
            room[..<got].withUnsafeBytes { bytes in _ = reader.read(bytes) { frames.append(Array($0)) } }
        }
        return frames.isEmpty ? nil : frames.removeFirst()
    }

    /// Something has come, or the connection is closed.
    var hasNews: Bool {
        var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&watched, 1, 0) == 1
    }

    /// The kind of the next message of STUN.
    func answer() -> STUN.Kind? { next().flatMap { $0.withUnsafeBytes { STUNMessage($0)?.kind } } }

    /// The other side closes it.
    func waitForEnd() -> Bool {
        while next() != nil {}
        return isClosed
    }
}
