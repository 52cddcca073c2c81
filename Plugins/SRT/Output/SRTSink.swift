import Glibc
import LibAV
import Sluice

/// Datagrams of MPEG-TS on their way into an SRT socket. Datagrams that the socket's buffer does not take wait here in
/// order.
///
/// SRT's latency counts from the time that a datagram carries. It is given the time at which its media were captured,
/// not that at which the encoder was done with them. So the receiver hands them out on the camera's cadence, whatever
/// each picture took to encode, and sooner by that. The part that is taken from the latency so is missing for
/// retransmission; therefore it is at most a quarter of it and 5 ms.
final class SRTSink: ByteSink {
    private let socket: SRTSocket
    private var waiting: [[UInt8]] = []
    private(set) var isBroken = false
    /// Of the datagrams that are written now, by libsrt's clock. It never falls, and begins with the connection.
    private var origin = SRTSocket.clock
    private let mostAge: Interval

    static let mostAge = Interval.milliseconds(5)

    /// `socket` is connected.
    init(_ socket: SRTSocket) {
        self.socket = socket
        mostAge = SRTSink.mostAge(latencyMilliseconds: socket.sendLatencyMilliseconds)
    }

    static func mostAge(latencyMilliseconds: Int) -> Interval {
        min(mostAge, .microseconds(Int64(latencyMilliseconds) * 250))
    }

    /// Datagrams that are written from now on were captured so long ago.
    func begin(age: Interval) {
        origin = max(origin, SRTSocket.clock - max(.zero, min(age, mostAge)).nanoseconds / 1_000)
    }

    var blockSize: Int { SRTSocket.payload }
    var isEmpty: Bool { waiting.isEmpty }

    func write(_ bytes: UnsafeRawBufferPointer) -> Int32 {
        if waiting.isEmpty {
            switch socket.send(bytes, origin: origin) {
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
            let sent = waiting[done].withUnsafeBytes { socket.send($0, origin: 0) }
            if sent == .broken { isBroken = true }
            guard sent == .sent else { break }
            done += 1
        }
        waiting.removeFirst(done)
    }
}
