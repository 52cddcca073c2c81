import LibAV
import Sluice

/// The datagrams that one packet of media has become, for all readers. Its memory is kept.
final class TSBundle: ByteSink {
    private var content: [UInt8] = []
    private var ends: [Int] = []

    var blockSize: Int { SRTSocket.payload }
    /// Datagrams.
    var count: Int { ends.count }
    var bytes: Int { content.count }

    func write(_ bytes: UnsafeRawBufferPointer) -> Int32 {
        content.append(contentsOf: bytes)
        ends.append(content.count)
        return 0
    }

    func clear() {
        content.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
    }

    /// Calls `body` with each datagram.
    func forEach(_ body: (UnsafeRawBufferPointer) -> Void) {
        content.withUnsafeBytes { all in
            var start = 0
            for end in ends {
                body(UnsafeRawBufferPointer(rebasing: all[start..<end]))
                start = end
            }
        }
    }
}
