import Glibc
import ICE
import Net
import Sluice
import Synchronization

/// One TCP connection of a peer (RFC 6544): frames of RFC 4571 both ways. Read by the port's thread, written by any.
final class TCPConnection: Sendable {
    /// Bytes that may wait for the network; packets beyond them are dropped, as a queue on the way would.
    private static let mostWaiting = 256 << 10

    let number: UInt64
    let descriptor: Int32
    let address: SocketAddress
    private let output = Mutex<(waiting: [UInt8], isClosed: Bool)>(([], false))
    /// Asks the port's thread to look for room.
    private let bell: @Sendable () -> Void

    init(_ number: UInt64, _ descriptor: Int32, _ address: SocketAddress, bell: @escaping @Sendable () -> Void) {
        (self.number, self.descriptor, self.address, self.bell) = (number, descriptor, address, bell)
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    }

    /// A frame. False where it is dropped.
    @discardableResult
    func send(_ packet: UnsafeRawBufferPointer) -> Bool {
        let (taken, mustRing) = output.withLock { output -> (Bool, Bool) in
            guard !output.isClosed, output.waiting.count + packet.count + 2 <= TCPConnection.mostWaiting else {
                return (false, false)
            }
            let wasEmpty = output.waiting.isEmpty
            TCPFrameReader.append(packet, to: &output.waiting)
            if wasEmpty { write(&output.waiting) }
            return (true, wasEmpty && !output.waiting.isEmpty)
        }
        if mustRing { bell() }
        return taken
    }

    /// There is room, or may be.
    func flush() { output.withLock { if !$0.isClosed { write(&$0.waiting) } } }

    var waits: Bool { output.withLock { !$0.waiting.isEmpty } }

    private func write(_ waiting: inout [UInt8]) {
        let sent = waiting.withUnsafeBytes {
            Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
        }
        if sent > 0 { waiting.removeFirst(sent) }
    }

    /// On the port's thread.
    func close() {
        output.withLock { output in
            guard !output.isClosed else { return }
            output = ([], true)
            Glibc.close(descriptor)
        }
    }
}
