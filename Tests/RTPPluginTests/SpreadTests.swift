import Foundation
import RTP
@_spi(Host) import Sluice
import SluiceTesting
import Synchronization
import TestSupport
import Testing

@testable import RTPPlugin

/// Sends one keyframe of 60 kB that lasts 200 ms.
private final class Keyframe: Node {
    static let descriptor = NodeDescriptor("test-keyframe", summary: "One large picture")
    let output = Output<Packet>("out")
    private var context: NodeContext!

    func prepare(_ context: NodeContext) {
        self.context = context
        output.fix(Keyframe.format)
    }

    static let format = MediaFormat(codec: .vp8, video: VideoLayout(width: 64, height: 48, frameRate: .init(5)))

    func process(now: Instant) {
        let packet = Packet(format: Keyframe.format, count: 60_000)
        packet.mutableBytes.initializeMemory(as: UInt8.self, repeating: 0)
        packet.header.pts = .zero
        packet.header.dts = .zero
        packet.header.duration = .milliseconds(200)
        packet.header.flags = .keyframe
        output.send(packet)
        context.finish()
    }
}

@Suite("rtp-output spreads a picture", .serialized, .realPeers) struct SpreadTests {
    /// When each RTP packet came, in s after the first.
    private func arrivals(_ parameters: [String: ParameterValue]) throws -> [Double] {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        var room: Int32 = 1 << 20
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &room, 4)
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, length) == 0 && getsockname(socket, $0, &length) == 0
            }
        }
        try #require(isBound)
        let times = Mutex<[Double]>([])
        let isDone = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            var bytes = [UInt8](repeating: 0, count: 2_048)
            // Reports share the port. The farewell ends it.
            while case let count = recv(socket, &bytes, bytes.count, 0), count > 0 {
                let reports = bytes.withUnsafeBytes { all -> [RTCPPacket]? in
                    let datagram = UnsafeRawBufferPointer(rebasing: all[..<count])
                    return RTPHeader.isRTCP(datagram) ? RTCPPacket.parse(datagram) ?? [] : nil
                }
                guard let reports else {
                    times.withLock { $0.append(ProcessInfo.processInfo.systemUptime) }
                    continue
                }
                if reports.contains(where: { if case .bye = $0 { true } else { false } }) { break }
            }
            isDone.signal()
        }
        var graph = GraphBuilder()
        graph.node("source", Keyframe.self)
        graph.node(
            "out", RTPOutput.self,
            ["video_port": .integer(Int(UInt16(bigEndian: address.sin_port))), "rtcp_mux": true].merging(parameters) {
                $1
            })
        graph.edge("source.out -> out.video")
        #expect(try Rig.run(graph).outcome == .finished)
        _ = isDone.wait(timeout: .now() + 5)
        let all = times.withLock { $0 }
        let first = try #require(all.first)
        return all.map { $0 - first }
    }

    @Test func aKeyframeLeavesEvenlyOverItsInterval() throws {
        let times = try arrivals(["spread_rate": 1])
        #expect(times.count > 50)
        // The last packet is due after 50/51 of 200 ms, and nothing leaves early.
        #expect(times.last! > 0.15)
        #expect(times[times.count / 2] > 0.06)
    }

    @Test func theRateMakesItShorter() throws {
        let times = try arrivals(["spread_rate": 4])
        #expect(times.count > 50)
        #expect(times.last! > 0.03)
    }
}
