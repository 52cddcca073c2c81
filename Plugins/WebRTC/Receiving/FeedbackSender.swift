import DTLS
import Net
import SRTP
import Sluice

/// Sends a receiver's words to the peer. Of the node's lane.
///
/// Its SSRC is none of those that media go out under, so that one key never protects two packets of one number.
final class FeedbackSender {
    private let protection: SRTPContext
    private let batch = DatagramBatch(capacity: 1, room: PeerSession.mtu + SRTPContext.trailer)
    private var datagram: [UInt8] = []

    init(_ keys: SRTPKeys) throws { protection = try SRTPContext(keys.suite, key: keys.sending, .sending) }

    func send(of receiver: PeerReceiver, to link: PeerLink, now: Instant) {
        while true {
            datagram.removeAll(keepingCapacity: true)
            guard receiver.takeFeedback(into: &datagram, now: now), datagram.count <= PeerSession.mtu else { return }
            datagram.withUnsafeBytes { batch.next.copyMemory(from: $0) }
            guard let whole = protection.protect(batch.next, count: datagram.count, isControl: true) else { return }
            batch.add(whole, to: link.route?.address)
            _ = link.send(batch)
            batch.clear()
        }
    }
}
