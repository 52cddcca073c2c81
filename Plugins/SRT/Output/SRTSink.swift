import Glibc
import LibAV

/// Datagrams of MPEG-TS on their way into an SRT socket. What the socket's buffer does not take waits here in order.
final class SRTSink: ByteSink {
    private let socket: SRTSocket
    private var waiting: [[UInt8]] = []
    private(set) var isBroken = false

    init(_ socket: SRTSocket) { self.socket = socket }

    var blockSize: Int { SRTSocket.payload }
    var isEmpty: Bool { waiting.isEmpty }

    func write(_ bytes: UnsafeRawBufferPointer) -> Int32 {
        if waiting.isEmpty {
            switch socket.send(bytes) {
            case .sent: return 0
            case .full: break
            case .broken:
                isBroken = true
                return ECONNRESET
            }
        }
        waiting.append([UInt8](bytes))
        return 0
    }

    /// Sends what waits, as far as there is room.
    func drain() {
        var done = 0
        while done < waiting.count {
            let sent = waiting[done].withUnsafeBytes { socket.send($0) }
            if sent == .broken { isBroken = true }
            guard sent == .sent else { break }
            done += 1
        }
        waiting.removeFirst(done)
    }
}
