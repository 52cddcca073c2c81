import Net
import RTP
import SRTP
import Sluice

/// Sends compound RTCP packets to the peer.
struct ReportSender {
    private let protection: SRTPContext
    private let way: PeerWay
    private let losses: PortOutbox.Losses
    private var bytes: [UInt8] = []

    init(_ protection: SRTPContext, _ way: PeerWay) {
        (self.protection, self.way, losses) = (protection, way, way.countLosses())
    }

    /// Sends all that `fill` appends, with the name of `ssrc`; nothing where it appends nothing.
    mutating func send(cname: String, ssrc: UInt32, now: Instant, _ fill: (inout [UInt8]) -> Void) {
        bytes.removeAll(keepingCapacity: true)
        fill(&bytes)
        guard !bytes.isEmpty else { return }
        RTCPPacket.sourceDescription([.init(ssrc: ssrc, cname: cname)]).append(to: &bytes)
        guard bytes.count <= PeerSession.mtu else { return }
        var isWritten = false
        way.send(losses, now: now) { room in
            guard !isWritten else { return nil }
            isWritten = true
            bytes.withUnsafeBytes { room.copyMemory(from: $0) }
            return protection.protect(room, count: bytes.count, isControl: true)
        }
    }
}
