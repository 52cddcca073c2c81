import Net
import RTP
import SRTP
import Sluice

/// One medium on its way to one peer: numbers, protection, datagrams, and what the peer reports of it. Within turns of
/// its session.
final class SentStream {
    private let medium: PeerSession.SentMedium
    let isVideo: Bool
    // Turns exclude each other, so exclusivity need not be checked at run time: that would cost a fifth of a packet.
    @exclusivity(unchecked) private(set) var sender: StreamSender
    private let protection: SRTPContext
    private let way: PeerWay
    private let losses: PortOutbox.Losses
    /// nil where packets are neither numbered nor paced.
    @exclusivity(unchecked) private var congestion: PeerCongestion?
    /// Its number there, and packets of pictures that wait there.
    private var (place, waiting) = (0, 0)
    /// Of the stream's packets the next one that the peer has not had.
    @exclusivity(unchecked) private var next = 0
    /// Of video.
    @exclusivity(unchecked) private var catchUp: CatchUp?
    private var asksForStart = false
    private var (wasRedundant, hasToldExcess) = (false, false)
    private var shownRepairs = RepairCounts()
    /// Reports that have told of the packets that went out again.
    private var toldRepairs: (packets: UInt32, times: Int) = (0, 0)
    @exclusivity(unchecked) var keyframes = KeyframeRequests()
    /// Of audio.
    private var soundRepair: SoundRepair?
    private let metrics: Metrics
    /// Counts of this stream that the metrics, which it shares with others, have already.
    private var told: (keyframes: ToldCount, redundant: ToldCount, lost: ToldCount) = (.init(), .init(), .init())
    /// Not shown yet.
    @exclusivity(unchecked) private var sent = (packets: 0, bytes: 0)
    /// When the first packet went out.
    @exclusivity(unchecked) private(set) var first: Instant?
    /// The last time that the bitrate was counted.
    private var counted: (at: Instant, bytes: Int)?
    private var allBytes = 0
    /// Lately, in bits a second; 0 before half a second of it.
    private(set) var bitsPerSecond = 0

    struct Metrics {
        let packets, bytes, unsent, oversize, lost, fraction, roundTrip, asked, again, refused: Metric.Counter
        let asksForKeyframes, redundant, redundantPackets, rate, jitter, nacks: Metric.Counter
        /// Of video.
        let keyframes, pictureLosses, intraRequests: Metric.Counter?

        init(_ context: NodeContext, _ name: String) {
            rate = context.gauge("\(name)_kbps")
            jitter = context.gauge("\(name)_jitter_us")
            nacks = context.counter("\(name)_nacks")
            redundantPackets = context.counter("\(name)_redundant_packets")
            let isVideo = name == "video"
            keyframes = isVideo ? context.counter("video_keyframes") : nil
            pictureLosses = isVideo ? context.counter("video_plis") : nil
            intraRequests = isVideo ? context.counter("video_firs") : nil
            packets = context.counter("\(name)_packets")
            bytes = context.counter("\(name)_bytes")
            unsent = context.counter("\(name)_unsent")
            oversize = context.counter("\(name)_oversize")
            lost = context.counter("\(name)_lost_at_viewer")
            fraction = context.gauge("\(name)_loss_percent")
            roundTrip = context.gauge("\(name)_rtt_us")
            asked = context.counter("\(name)_asked_again")
            again = context.counter("\(name)_sent_again")
            refused = context.counter("\(name)_not_sent_again")
            asksForKeyframes = context.counter("\(name)_keyframes_asked")
            redundant = context.counter("\(name)_redundant")
        }
    }

    /// `metrics` count all streams of the peer that are of one kind.
    init(_ medium: PeerSession.SentMedium, _ protection: SRTPContext, _ way: PeerWay, _ metrics: Metrics) {
        (self.medium, self.protection, self.way, self.metrics) = (medium, protection, way, metrics)
        isVideo = medium.stream.format.isVideo
        losses = way.countLosses()
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
        if !isVideo { soundRepair = SoundRepair(takesRedundancy: medium.redundantType != nil) }
        sender.isNumbered = false
    }

    /// From now on packets are numbered and paced, where the connection's are; with nil no more.
    func count(by congestion: PeerCongestion?) {
        let congestion = congestion?.isCounting == true ? congestion : nil
        guard congestion !== self.congestion else { return }
        self.congestion?.leave(place)
        self.congestion = congestion
        sender.isNumbered = congestion != nil
        waiting = 0
        if let congestion { place = congestion.join(self) }
    }

    /// `video` or `audio`.
    var name: String { isVideo ? "video" : "audio" }
    var ssrc: UInt32 { medium.ssrc }
    var audience: Audience { medium.stream.audience }
    /// nil where the graph's controls ask for keyframes.
    var askKeyframe: (@Sendable () -> Void)? { medium.stream.askKeyframe }
    /// There was a first item: the line of its times is known.
    func hasBegun(_ now: Instant) -> Bool { medium.stream.line.time(at: now) != nil }

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
    func send(_ packet: Packet, now: Instant) { take(medium.stream.frame(of: packet, now: now), now: now) }

    /// The same with a packet that is ready.
    func take(_ frame: SharedStream.Frame, now: Instant) {
        guard frame.number >= next else { return }
        let missed = next..<frame.number
        next = frame.number + 1
        guard isVideo else {
            sender.begin(frame.frame, at: frame.time, followsSilence: frame.followsSilence)
            return send(now, .free) { sender.next(into: $0, now: now) }
        }
        if frame.frame.isKeyframe { keyframes.serve() }
        if missed.isEmpty, catchUp?.isIdle == true, passes(frame.frame, now) {
            sender.begin(frame.frame, at: frame.time)
            return send(now, .turn(isProbe: false)) { sender.next(into: $0, now: now) }
        }
        // Between the cached packets and those that come are some that went before this session was there. Where an
        // edge itself has left some out it goes on with a keyframe.
        if !missed.isEmpty, !frame.frame.isKeyframe {
            for missed in medium.stream.frames(missed) ?? [] { add(missed, now) }
        }
        add(frame, now)
        pump(now: now)
    }

    private func passes(_ frame: PacketizedFrame, _ now: Instant) -> Bool {
        congestion?.passes(bytes: frame.byteCount, packets: frame.pieces.count, at: now) ?? true
    }

    /// Live pictures wait for their turn in the pacer. One who catches up is sent them at a pace of its own.
    private func add(_ frame: SharedStream.Frame, _ now: Instant) {
        catchUp?.add(frame.cached)
        guard let congestion, catchUp?.state == .live else { return }
        if frame.frame.isKeyframe { sender.forgetAsked() }
        for piece in frame.frame.pieces {
            congestion.wait(.init(stream: place, isRepair: false), bytes: piece.count, at: now)
        }
        waiting += frame.frame.pieces.count
    }

    /// It wants calls of its node: `pump` later on, or a keyframe.
    var needsNode: Bool {
        isVideo && (catchUp?.isIdle != true || keyframes.due != nil || congestion?.isEarlier == true)
    }

    /// Sends what may go now.
    func pump(now: Instant) {
        guard isVideo, catchUp?.isIdle != true else { return }
        if waiting > 0 {
            congestion?.pump(now: now)
        } else {
            send(now, .free) { catchUp?.next(&sender, into: $0, now: now) }
        }
        if catchUp?.state == .awaitingKeyframe, !asksForStart { keyframes.ask() }
        asksForStart = catchUp?.state == .awaitingKeyframe
    }

    /// When `pump` has something to send though nothing comes.
    var due: Instant? { catchUp?.due }

    /// The pacer's turn is a packet of this stream.
    func leave(isRepair: Bool, isProbe: Bool, now: Instant) {
        if !isRepair { waiting -= 1 }
        var isWritten = false
        send(now, .turn(isProbe: isProbe)) { room in
            if isRepair {
                guard !isWritten else { return nil }
                isWritten = true
                return sender.nextAgain(into: room, now: now)
            }
            // Behind the last one that waits nothing is left; a picture that had no place leaves with it.
            guard !isWritten || waiting <= 0 else { return nil }
            isWritten = true
            return catchUp?.next(&sender, into: room, now: now)
        }
    }

    /// Sends a packet that nobody misses, for a probe. False where there is none.
    func pad(now: Instant) -> Bool {
        var isWritten = false
        send(now, .padding) { room in
            guard !isWritten, let size = sender.probe(into: room, now: now) else { return nil }
            isWritten = true
            return size
        }
        return isWritten
    }

    /// Protects and sends the packets that `next` writes, until it gives nil.
    @inline(__always)
    private func send(
        _ now: Instant, _ passage: PeerCongestion.Passage, _ next: (UnsafeMutableRawBufferPointer) -> Int?
    ) {
        var (packets, bytes) = (0, 0)
        way.send(losses, now: now) { room in
            let space = UnsafeMutableRawBufferPointer(rebasing: room[..<(PeerSession.mtu - 16)])
            if let congestion { sender.transportSequence = congestion.sequence }
            guard let size = next(space) else { return nil }
            guard size <= space.count else {
                metrics.oversize.add()
                return 0
            }
            guard let whole = protection.protect(room, count: size) else {
                metrics.unsent.add()
                return 0
            }
            (packets, bytes) = (packets + 1, bytes + whole)
            congestion?.noteSent(next: sender.transportSequence, bytes: whole, passage, at: now)
            return whole
        }
        sent = (sent.packets + packets, sent.bytes + bytes)
        if first == nil, packets > 0 { first = now }
    }

    /// Shows what has been sent. On the lane of the metrics' node.
    func show(now: Instant) {
        // They went to the kernel with those of other peers.
        let lost = losses.take()
        metrics.unsent.add(lost)
        metrics.packets.add(sent.packets - lost)
        metrics.bytes.add(sent.bytes)
        allBytes += sent.bytes
        sent = (0, 0)
        if let keyframes = metrics.keyframes { told.keyframes.tell(Int(sender.keyframes), to: keyframes) }
        told.redundant.tell(Int(sender.redundantPackets), to: metrics.redundantPackets)
        showRepairs()
        guard let counted else {
            counted = (now, allBytes)
            return
        }
        let time = now - counted.at
        guard time >= .milliseconds(500) else { return }
        bitsPerSecond = Int((Double(allBytes - counted.bytes) * 8 / time.seconds).rounded())
        metrics.rate.set((bitsPerSecond + 500) / 1_000)
        self.counted = (now, allBytes)
    }

    // MARK: Feedback

    /// The rate of a picture's stream before anything of it was sent, in bits a second; nil where that is not known.
    var expectedRate: Int? { isVideo ? medium.stream.joined.cache.bitsPerSecond : nil }

    /// The estimate of the peer's link in bits a second; nil while it is not known.
    func follow(estimate: Int?) { catchUp?.estimate = estimate }

    /// Packets that the peer misses. One that still catches up has lost some of too many: no more of them go out.
    func sendAgain(_ sequences: [UInt16], now: Instant) {
        metrics.nacks.add()
        metrics.asked.add(sequences.count)
        guard soundRepair?.answersLoss ?? true else { return metrics.refused.add(sequences.count) }
        catchUp?.noteLoss()
        let waited = sender.waitingAgain
        sender.ask(for: sequences)
        if isVideo, let congestion {
            // They leave before pictures, so only those are let in front that will go out: else one who misses
            // everything holds up the keyframe that would help.
            sender.sortAsked(now: now)
            for _ in min(waited, sender.waitingAgain)..<sender.waitingAgain {
                congestion.wait(.init(stream: place, isRepair: true), bytes: PeerSession.payloadLimit, at: now)
            }
            congestion.pump(now: now)
        } else {
            send(now, .free) { sender.nextAgain(into: $0, now: now) }
        }
        showRepairs()
    }

    private func showRepairs() {
        let (now, before) = (sender.repairs, shownRepairs)
        metrics.again.add(now.sent - before.sent)
        metrics.refused.add(now.refused - before.refused)
        shownRepairs = now
    }

    /// True once, where the peer has asked for more again than was sent to it.
    func takeExcess() -> Bool {
        guard !hasToldExcess, sender.repairs.overBudget > 0 else { return false }
        hasToldExcess = true
        return true
    }

    /// A picture loss indication, or a full intra request.
    func noteRequest(_ packet: RTCPPacket) {
        metrics.asksForKeyframes.add()
        if case .pictureLoss = packet { metrics.pictureLosses?.add() } else { metrics.intraRequests?.add() }
        keyframes.note(packet, of: sender.ssrc)
    }

    func note(_ report: RTCPPacket.ReportBlock, at ntp: NTPTime, now: Instant) {
        told.lost.tell(Int(report.lost), to: metrics.lost)
        metrics.fraction.set(Int(report.fractionLost) * 100 / 256)
        metrics.jitter.set(Int(Int64(report.jitter) * 1_000_000 / sender.clockRate))
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

    private var hasReported = false

    /// Our report on it, to be sent with those of the others.
    func report(_ ntp: NTPTime, now: Instant, to bytes: inout [UInt8]) {
        // The first one comes with the first packets of any medium, so that all of them are in step from the start.
        guard let time = medium.stream.line.time(at: now), sender.packets > 0 || !hasReported else { return }
        hasReported = true
        RTCPPacket.senderReport(sender.report(ntp: ntp, at: time)).append(to: &bytes)
        // The stream that repairs is a source of its own, which reports in the two intervals behind its packets (RFC
        // 3550, section 6.4).
        guard let report = sender.repairReport(ntp: ntp, at: time) else { return }
        toldRepairs = (report.packets, report.packets == toldRepairs.packets ? toldRepairs.times + 1 : 0)
        if toldRepairs.times < 2 { RTCPPacket.senderReport(report).append(to: &bytes) }
    }

    static var declared: [Metric] {
        declared(of: "video") + declared(of: "audio") + [
            .counter("video_keyframes", "Keyframes that were sent."),
            .counter("video_plis", "Picture loss indications (PLI) of the viewer."),
            .counter("video_firs", "Full intra requests (FIR) of the viewer."),
        ]
    }

    private static func declared(of name: String) -> [Metric] {
        [
            .counter("\(name)_packets", "Packets of \(name) that were sent."),
            .counter("\(name)_bytes", "Bytes of \(name) that were sent, protection included."),
            .counter("\(name)_unsent", "Packets of \(name) that the system did not take."),
            .counter("\(name)_oversize", "Frames of \(name) that do not fit in a packet."),
            .counter("\(name)_lost_at_viewer", "Packets of \(name) that the viewer says it has lost."),
            .gauge("\(name)_loss_percent", "Loss of \(name) by the viewer's last report."),
            .gauge("\(name)_rtt_us", "The round trip by the viewer's last report."),
            .gauge("\(name)_jitter_us", "The jitter between arrivals of \(name) by the viewer's last report."),
            .gauge("\(name)_kbps", "The bitrate of \(name) at the end, in kb/s, protection included."),
            .counter("\(name)_nacks", "Messages of the viewer that ask for packets of \(name) again (NACK)."),
            .counter("\(name)_redundant_packets", "Packets of \(name) with the frame before beside their own (RED)."),
            .counter("\(name)_asked_again", "Packets of \(name) that the viewer has asked for again."),
            .counter("\(name)_sent_again", "Packets of \(name) that were sent again."),
            .counter(
                "\(name)_not_sent_again",
                "Packets of \(name) that were asked for and not sent again: too old, sent just before, or more than "
                    + "the stream itself."),
            .counter("\(name)_keyframes_asked", "Keyframes that the viewer has asked for."),
            .counter(
                "\(name)_redundant",
                "Times that packets began to carry the frame before beside their own (RED), for loss."),
        ]
    }
}

/// A count of one of several that a metric adds up.
private struct ToldCount {
    private var value = 0

    mutating func tell(_ present: Int, to metric: Metric.Counter) {
        metric.add(present - value)
        value = present
    }
}
