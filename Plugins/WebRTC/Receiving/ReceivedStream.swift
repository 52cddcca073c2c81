import DTLS
import Net
import RTP
import SRTP
import Sluice

/// One medium that a peer sends: its receiver, and our words on it. Of the node's lane.
final class ReceivedStream {
    let receiver: StreamReceiver
    private var feedback: ReceiverFeedback
    private var protection: SRTPContext?
    private let batch = DatagramBatch(capacity: 1, room: PeerSession.mtu + SRTPContext.trailer)
    private var datagram: [UInt8] = []

    init(_ medium: PeerSession.ReceivedMedium, delay: Interval, cname: String) {
        var settings = StreamReceiver.Settings(format: .opus, payloadType: medium.payloadType, delay: delay)
        settings.redundantType = medium.redundantType
        settings.transportSequence = medium.transportSequence
        settings.audioLevel = medium.audioLevel
        settings.sources.announced = Set(medium.sources)
        // Its key says who it is.
        settings.sources.isTrusting = true
        var random = SystemRandomNumberGenerator()
        var told = ReceiverFeedback.Settings(ssrc: UInt32.random(in: 1 ... .max, using: &random), cname: cname)
        told.isReduced = medium.isReduced
        told.tellsArrivals = medium.transportSequence != nil
        feedback = ReceiverFeedback(told)
        receiver = StreamReceiver(settings, arrivals: feedback.arrivals)
        feedback.add(receiver)
    }

    /// Reports may go out under these keys. Its SSRC is none of those that media go out under, so that one key never
    /// protects two packets of one number.
    func connect(_ keys: SRTPKeys) throws {
        protection = try SRTPContext(keys.suite, key: keys.sending, .sending)
    }

    func takeReports(_ packet: UnsafeRawBufferPointer, now: Instant) {
        for case .senderReport(let report) in RTCPPacket.parse(packet) ?? [] { receiver.note(report, at: now) }
    }

    func sendFeedback(now: Instant, to link: PeerLink) {
        guard let protection else { return }
        while true {
            datagram.removeAll(keepingCapacity: true)
            guard feedback.take(into: &datagram, now: now), datagram.count <= PeerSession.mtu else { return }
            datagram.withUnsafeBytes { batch.next.copyMemory(from: $0) }
            guard let whole = protection.protect(batch.next, count: datagram.count, isControl: true) else { return }
            batch.add(whole, to: link.route?.address)
            _ = link.send(batch)
            batch.clear()
        }
    }

    /// When there is something to do though nothing comes.
    func due(now: Instant) -> Instant? {
        let told = protection == nil ? nil : feedback.due(now: now)
        guard let release = receiver.deadline else { return told }
        return told.map { min($0, release) } ?? release
    }
}
