import Glibc
import Sluice

/// Sends a datagram of the shape of RTP for each item, at once: what the cadence of a pacer looks like on the wire.
///
/// 12 bytes of RTP header, with the number of the item as its sequence number and `stream` as its source, and 160 zero
/// bytes: a packet of G.711.
public final class BenchUDP: Node {
    public static let descriptor = NodeDescriptor(
        "bench-udp", summary: "Sends a small datagram on the loopback for each item, to measure cadence",
        traits: [.live], example: #""wire": { "type": "bench-udp", "port": 5004 }"#)

    let input = Input<MediaItem>("in")
    @Parameter("port", range: 1...65_535, help: "The UDP port on 127.0.0.1.") var port: Int
    @Parameter("stream", default: 1, range: 0...4_294_967_295, help: "The source number (SSRC) of the packets.")
    var stream: Int

    private var socket: Int32 = -1
    private var packet = [UInt8](repeating: 0, count: 172)
    private var number: UInt32 = 0
    private var refused: Metric.Counter!

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        refused = context.counter("not_sent")
        socket = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard socket >= 0, connected == 0 else {
            throw NodeError("no datagrams can be sent to 127.0.0.1:\(port): \(errorText(errno))")
        }
        (packet[0], packet[1]) = (0x80, 0)
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: stream).bigEndian) { packet.replaceSubrange(8..<12, with: $0) }
    }

    public func process(now: Instant) {
        while input.next() != nil {
            packet[2] = UInt8(truncatingIfNeeded: number >> 8)
            packet[3] = UInt8(truncatingIfNeeded: number)
            // Whole numbers, where a timestamp would be: sequence numbers wrap within 22 minutes.
            withUnsafeBytes(of: number.bigEndian) { bytes in
                for index in 0..<4 { packet[4 + index] = bytes[index] }
            }
            if send(socket, packet, packet.count, 0) < 0 { refused.add() }
            number &+= 1
        }
    }

    public func close() {
        if socket >= 0 { Glibc.close(socket) }
        socket = -1
    }
}
