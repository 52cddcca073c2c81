import Net
import RTP
import SRTP
import Sluice

/// Sends compound RTCP packets to the peer.
struct ReportSender {
    private let protection: SRTPContext
    private let link: PeerLink
    private let batch = DatagramBatch(capacity: 1, room: PeerSession.mtu + SRTPContext.trailer)
    private var bytes: [UInt8] = []

    init(_ protection: SRTPContext, _ link: PeerLink) { (self.protection, self.link) = (protection, link) }

    /// Sends all that `fill` appends, with the name of `ssrc`; nothing where it appends nothing.
    mutating func send(cname: String, ssrc: UInt32, _ fill: (inout [UInt8]) -> Void) {
        bytes.removeAll(keepingCapacity: true)
        fill(&bytes)
        guard !bytes.isEmpty else { return }
        RTCPPacket.sourceDescription([.init(ssrc: ssrc, cname: cname)]).append(to: &bytes)
        guard bytes.count <= PeerSession.mtu else { return }
        bytes.withUnsafeBytes { batch.next.copyMemory(from: $0) }
        guard let whole = protection.protect(batch.next, count: bytes.count, isControl: true) else { return }
        batch.add(whole, to: link.route?.address)
        _ = link.send(batch)
        batch.clear()
    }
}
