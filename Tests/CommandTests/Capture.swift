import Foundation

/// Captures as tcpdump writes them, byte by byte: Ethernet, IPv4, UDP, RTP.
struct Capture {
    private var packets: [(time: Double, bytes: [UInt8])] = []

    /// A sender of RTP packets.
    struct Sender {
        var ssrc: UInt32 = 0x1234_5678
        var port = 5_004
        var payloadType: UInt8 = 111
        var tagged = false
    }

    private static func big(_ value: UInt64, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64(count - 1 - $0))) }
    }

    private static func little(_ value: UInt64, _ count: Int) -> [UInt8] { big(value, count).reversed() }

    mutating func add(_ sender: Sender, sequence: Int, timestamp: UInt32, at time: Double, payload: Int = 80) {
        var rtp: [UInt8] = [0x80, sender.payloadType]
        rtp += Capture.big(UInt64(UInt16(truncatingIfNeeded: sequence)), 2) + Capture.big(UInt64(timestamp), 4)
        rtp += Capture.big(UInt64(sender.ssrc), 4) + Array(repeating: 7, count: payload)
        addUDP(rtp, sender, at: time)
    }

    mutating func addUDP(_ payload: [UInt8], _ sender: Sender = Sender(), at time: Double) {
        let udp =
            Capture.big(40_000, 2) + Capture.big(UInt64(sender.port), 2)
            + Capture.big(UInt64(8 + payload.count), 2) + [0, 0]
        let ip: [UInt8] = [0x45, 0] + Capture.big(UInt64(28 + payload.count), 2) + [0, 0, 0, 0, 64, 17, 0, 0]
        let tag: [UInt8] = sender.tagged ? [0x81, 0, 0, 5] : []
        let ethernet = Array(repeating: UInt8(2), count: 12) + tag + [8, 0]
        packets.append((time, ethernet + ip + [10, 0, 0, 1, 10, 0, 0, 2] + udp + payload))
    }

    /// In the order of their times.
    private var sorted: [(time: Double, bytes: [UInt8])] { packets.sorted { $0.time < $1.time } }

    var pcap: Data {
        var file: [UInt8] = [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0] + Array(repeating: 0, count: 8)
        file += Capture.little(65_535, 4) + Capture.little(1, 4)
        for (time, bytes) in sorted {
            let microseconds = UInt64((time * 1e6).rounded())
            file += Capture.little(microseconds / 1_000_000, 4) + Capture.little(microseconds % 1_000_000, 4)
            file += Capture.little(UInt64(bytes.count), 4) + Capture.little(UInt64(bytes.count), 4) + bytes
        }
        return Data(file)
    }

    /// Section header, interface description, enhanced packets (draft-ietf-opsawg-pcapng).
    var pcapng: Data {
        func block(_ type: UInt64, _ body: [UInt8]) -> [UInt8] {
            let padded = body + Array(repeating: 0, count: (4 - body.count % 4) % 4)
            let length = Capture.little(UInt64(12 + padded.count), 4)
            return Capture.little(type, 4) + length + padded + length
        }
        var file = block(
            0x0a0d_0d0a, [0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0] + Array(repeating: 0xff, count: 8))
        file += block(1, [1, 0, 0, 0] + Capture.little(65_535, 4))
        for (time, bytes) in sorted {
            let microseconds = UInt64((time * 1e6).rounded())
            let size = Capture.little(UInt64(bytes.count), 4)
            file += block(
                6,
                [0, 0, 0, 0] + Capture.little(microseconds >> 32, 4) + Capture.little(microseconds & 0xffff_ffff, 4)
                    + size + size + bytes)
        }
        return Data(file)
    }
}
