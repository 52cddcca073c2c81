import ICE
import Net
import RTP
import SRTP
import Sluice

/// One medium on its way to one peer: numbers, protection, datagrams, and what the peer reports of it. Of the node's
/// lane.
final class SentStream {
    /// `video` or `audio`.
    let name: String
    private let medium: PeerSession.SentMedium
    private(set) var sender: StreamSender
    private let batch = DatagramBatch(capacity: 32, room: PeerSession.mtu + SRTPContext.trailer, segments: true)
    private let protection: SRTPContext
    private let link: PeerLink
    /// Where the peer was lately.
    private var route: ICERoute?
    /// Of the stream's packets the next one that the peer has not had.
    private var next = 0
    /// Of video.
    private var catchUp: CatchUp?
    private var asksForStart = false
    private var wasRedundant = false
    var keyframes = KeyframeRequests()
    /// Of audio.
    private var soundRepair: SoundRepair?
    private let metrics: Metrics

    struct Metrics {
        let packets, bytes, unsent, oversize, lost, fraction, roundTrip, asked, again: Metric.Counter
        let asksForKeyframes, redundant: Metric.Counter

        init(_ context: NodeContext, _ name: String) {
            packets = context.counter("\(name)_packets")
            bytes = context.counter("\(name)_bytes")
            unsent = context.counter("\(name)_unsent")
            oversize = context.counter("\(name)_oversize")
            lost = context.counter("\(name)_lost_at_viewer")
            fraction = context.gauge("\(name)_loss_percent")
            roundTrip = context.gauge("\(name)_rtt_us")
            asked = context.counter("\(name)_asked_again")
            again = context.counter("\(name)_sent_again")
            asksForKeyframes = context.counter("\(name)_keyframes_asked")
            redundant = context.counter("\(name)_redundant")
        }
    }

    init(
        _ name: String, _ medium: PeerSession.SentMedium, _ protection: SRTPContext, _ link: PeerLink,
        _ metrics: Metrics
    ) {
        (self.name, self.medium, self.protection, self.link, self.metrics) = (name, medium, protection, link, metrics)
        var random = SystemRandomNumberGenerator()
        sender = StreamSender(
            medium.stream.format, payloadType: medium.payloadType, ssrc: medium.ssrc,
            sequence: UInt16.random(in: 0..<0x8000, using: &random),
            timestampOffset: UInt32.random(in: 0 ... .max, using: &random),
            mtu: PeerSession.mtu - 16, extensions: medium.extensions,
            keeping: medium.isRepaired ? SentPackets(keep: .seconds(1)) : nil,
            retransmission: medium.repair.map {
                Retransmission(
                    ssrc: $0.ssrc, payloadType: $0.payloadType, sequence: UInt16.random(in: 0..<0x8000, using: &random))
            },
            redundantType: medium.redundantType)
        route = link.route
        if !isVideo { soundRepair = SoundRepair(takesRedundancy: medium.redundantType != nil) }
    }

    private var isVideo: Bool { medium.stream.format.isVideo }

    // MARK: Media

    /// The peer is connected: video begins with what came since the last keyframe.
    func begin(now: Instant) {
        let (cache, next) = medium.stream.joined
        self.next = next
        guard isVideo else { return }
        let catchUp = CatchUp(cache, now: now)
        if catchUp.state == .awaitingKeyframe { keyframes.ask() }
        self.catchUp = catchUp
    }

    /// Sends a packet, or puts it behind those that the peer catches up on.
    func send(_ packet: Packet, now: Instant) {
        let frame = medium.stream.frame(of: packet, now: now)
        guard frame.number >= next else { return }
        if isVideo {
            // Between the cached packets and those that come are some that went before this session had its edge. Where
            // the edge itself has left some out it goes on with a keyframe.
            if frame.number > next, !frame.frame.isKeyframe {
                for missed in medium.stream.frames(next..<frame.number) ?? [] { catchUp?.add(missed.cached) }
            }
            if frame.frame.isKeyframe { keyframes.serve() }
            catchUp?.add(frame.cached)
        } else {
            sender.begin(frame.frame, at: frame.time, followsSilence: frame.followsSilence)
        }
        next = frame.number + 1
        pump(now: now)
    }

    /// Sends what may go now.
    func pump(now: Instant) {
        while true {
            let room = UnsafeMutableRawBufferPointer(rebasing: batch.next[..<(PeerSession.mtu - 16)])
            let size = isVideo ? catchUp?.next(&sender, into: room, now: now) : sender.next(into: room, now: now)
            guard let size else { break }
            guard size <= room.count else {
                metrics.oversize.add()
                continue
            }
            add(size)
            if batch.isFull { flush() }
        }
        flush()
        if catchUp?.state == .awaitingKeyframe, !asksForStart { keyframes.ask() }
        asksForStart = catchUp?.state == .awaitingKeyframe
    }

    /// When `pump` has something to send though nothing comes.
    var due: Instant? { catchUp?.due }

    private func add(_ size: Int) {
        guard let whole = protection.protect(batch.next, count: size) else { return metrics.unsent.add() }
        metrics.bytes.add(whole)
        batch.add(whole, to: route?.address)
    }

    private func flush() {
        guard !batch.isEmpty else { return }
        let count = batch.count
        let outcome = link.send(batch)
        metrics.packets.add(outcome.sent)
        // A socket whose buffer is full loses packets as a network does; the peer asks for them again.
        batch.clear()
        metrics.unsent.add(count - outcome.sent)
        route = link.route
    }

    // MARK: Feedback

    /// The estimate of the peer's link in bits a second.
    func follow(estimate: Int) { catchUp?.estimate = estimate }

    /// Packets that the peer misses.
    func sendAgain(_ sequences: [UInt16], now: Instant) {
        metrics.asked.add(sequences.count)
        guard soundRepair?.answersLoss ?? true else { return }
        for sequence in sequences.prefix(256) {
            let room = UnsafeMutableRawBufferPointer(rebasing: batch.next[..<(PeerSession.mtu - 16)])
            guard let size = sender.again(sequence, into: room, now: now) else { continue }
            metrics.again.add()
            add(size)
            if batch.isFull { flush() }
        }
        flush()
    }

    /// A picture loss indication, or a full intra request.
    func noteRequest(_ packet: RTCPPacket) {
        metrics.asksForKeyframes.add()
        keyframes.note(packet, of: sender.ssrc)
    }

    func note(_ report: RTCPPacket.ReportBlock, at ntp: NTPTime, now: Instant) {
        metrics.lost.set(Int(report.lost))
        metrics.fraction.set(Int(report.fractionLost) * 100 / 256)
        if let trip = report.roundTrip(at: ntp) {
            metrics.roundTrip.set(Int(trip.nanoseconds / 1_000))
            sender.follow(roundTrip: trip)
            soundRepair?.roundTrip = trip
        }
        soundRepair?.note(report, at: now)
        if report.fractionLost > 0 { catchUp?.noteLoss() }
        if let soundRepair { sender.isRedundant = soundRepair.isRedundant }
        if sender.isRedundant, !wasRedundant { metrics.redundant.add() }
        wasRedundant = sender.isRedundant
    }

    /// Our report on it, to be sent with those of the others.
    func report(_ ntp: NTPTime, at time: MediaTime, to bytes: inout [UInt8]) {
        guard sender.packets > 0 else { return }
        RTCPPacket.senderReport(sender.report(ntp: ntp, at: time)).append(to: &bytes)
    }

    static var declared: [Metric] { declared(of: "video") + declared(of: "audio") }

    private static func declared(of name: String) -> [Metric] {
        [
            .counter("\(name)_packets", "Packets of \(name) that were sent."),
            .counter("\(name)_bytes", "Bytes of \(name) that were sent, protection included."),
            .counter("\(name)_unsent", "Packets of \(name) that the system did not take."),
            .counter("\(name)_oversize", "Frames of \(name) that do not fit in a packet."),
            .counter("\(name)_lost_at_viewer", "Packets of \(name) that the viewer says it has lost."),
            .gauge("\(name)_loss_percent", "Loss of \(name) by the viewer's last report."),
            .gauge("\(name)_rtt_us", "The round trip by the viewer's last report."),
            .counter("\(name)_asked_again", "Packets of \(name) that the viewer has asked for again."),
            .counter("\(name)_sent_again", "Packets of \(name) that were sent again."),
            .counter("\(name)_keyframes_asked", "Keyframes that the viewer has asked for."),
            .counter(
                "\(name)_redundant",
                "Times that packets began to carry the frame before beside their own (RED), for loss."),
        ]
    }
}
