import Bitstream
import Glibc
import Net
import Pacing
import RTP
import SRTP
import Sluice

/// One outgoing medium: its sockets, its numbers, its datagrams on the way. The node tells it when.
final class OutputStream {
    /// `video` or `audio`, in messages and metrics.
    let name: String
    var media: RTPSocketPair
    /// Nobody listens where the last media went; cleared by whoever deals with it.
    var isRefused = false
    private(set) var sender: StreamSender?
    /// A packet must tell the configuration before any goes out.
    var awaitsConfiguration = false
    let ssrc: UInt32
    private let firstSequence: UInt16
    private let timestampOffset: UInt32
    private let protection: (send: SRTPContext, receive: SRTPContext)?
    private let batch: DatagramBatch
    private let limit: Int
    private let extensions: SenderExtensions
    private let keep: Interval
    private var history: TransportHistory?
    private var transit = TransitFloor()
    /// The frame whose packets are going out.
    private var packet: Packet?
    /// Where the packets of a picture are released evenly.
    private var spread: VideoSpread?
    private var scratch = DatagramBatch(capacity: 16, room: 2_048)
    private var report: [UInt8] = []
    let metrics: Metrics

    struct Metrics {
        let packets, bytes, refused, unsent, oversize, badReports, lost, roundTrip: Metric.Counter
        let fraction, asked, again, arrived, missing, queue: Metric.Counter

        init(_ context: NodeContext, _ name: String) {
            packets = context.counter("\(name)_packets")
            bytes = context.counter("\(name)_bytes")
            refused = context.counter("\(name)_refused")
            unsent = context.counter("\(name)_unsent")
            oversize = context.counter("\(name)_oversize")
            badReports = context.counter("\(name)_bad_reports")
            lost = context.counter("\(name)_lost_at_receiver")
            fraction = context.counter("\(name)_loss_percent")
            roundTrip = context.counter("\(name)_rtt_us")
            asked = context.counter("\(name)_asked_again")
            again = context.counter("\(name)_sent_again")
            arrived = context.counter("\(name)_told_arrived")
            missing = context.counter("\(name)_told_missing")
            queue = context.counter("\(name)_queued_us")
        }
    }

    /// `mtu` is the most bytes of a datagram, SRTP's part included.
    init(
        _ name: String, _ sockets: RTPSocketPair, mtu: Int, crypto: CryptoAttribute?, avoiding taken: UInt32?,
        extensions map: ExtensionMap, keeping keep: Interval, spread: VideoSpread?, _ context: NodeContext
    ) throws {
        self.name = name
        self.spread = spread
        media = sockets
        var random = SystemRandomNumberGenerator()
        var source = UInt32.random(in: 1 ... .max, using: &random)
        // Two sources under one key must not be the same.
        if source == taken { source ^= 1 }
        ssrc = source
        firstSequence = UInt16.random(in: 0..<0x8000, using: &random)
        timestampOffset = UInt32.random(in: 0 ... .max, using: &random)
        protection = try crypto.map {
            (
                try SRTPContext($0.suite, key: $0.key, .sending, repeats: keep > .zero),
                try SRTPContext($0.suite, key: $0.key, .receiving)
            )
        }
        limit = protection == nil ? mtu : mtu - 16
        extensions = SenderExtensions(
            transportSequence: map.id(of: .transportSequence), captureTime: map.id(of: .absoluteCaptureTime))
        self.keep = keep
        history = extensions.transportSequence == nil ? nil : TransportHistory()
        batch = DatagramBatch(capacity: 64, room: mtu + SRTPContext.trailer)
        metrics = Metrics(context, name)
    }

    func open(_ format: PayloadFormat, payloadType: UInt8, configuration: [UInt8]) {
        awaitsConfiguration = false
        if sender?.format == format {
            sender?.configure(configuration)
        } else {
            sender = StreamSender(
                format, configuration: configuration, payloadType: payloadType, ssrc: ssrc,
                sequence: sender?.sequence ?? firstSequence, timestampOffset: timestampOffset, mtu: limit,
                extensions: extensions, keeping: keep > .zero ? SentPackets(keep: keep) : nil)
        }
    }

    // MARK: Media

    /// A frame is on its way, or datagrams wait for the socket.
    var isBusy: Bool { packet != nil || !batch.isEmpty || sender?.isAsked ?? false }

    func begin(_ packet: Packet, at time: MediaTime, captured: NTPTime?, followsSilence: Bool, now: Instant) {
        self.packet = packet
        if packet.header.flags.contains(.keyframe) { keyframes.serve() }
        let duration = packet.header.duration
        spread?.begin(at: now, interval: duration.isKnown ? Interval(duration) : .zero, bytes: packet.count)
        sender?.begin(
            packet.bytes, at: time, isKeyframe: packet.header.flags.contains(.keyframe), captured: captured,
            followsSilence: followsSilence)
    }

    /// Whether it may go out. AAC of a transport stream does without the header that it has there; one that has none,
    /// or several frames behind it, is left out.
    func takes(_ packet: Packet) -> Bool {
        guard sender != nil, !awaitsConfiguration else { return false }
        guard packet.format.codec == .aac, packet.format.configuration.isEmpty else { return true }
        return ADTSHeader(packet.bytes)?.samples == 1_024
    }

    enum Pumped {
        case done, blocked
        case waits(until: Instant)
    }

    /// Writes and sends what is due. `blocked` where the socket's buffer is full and the rest waits. A picture that the
    /// next one has caught up with (`hurries`) is released at once.
    func pump(now: Instant, hurries: Bool) -> Pumped {
        if hurries, packet != nil { spread?.begin(at: now, interval: .zero, bytes: 1) }
        while true {
            fillAgain(now)
            if packet != nil { fill(now) }
            guard send() else { return .blocked }
            guard !(sender?.isAsked ?? false) else { continue }
            guard packet != nil else { return .done }
            if let due = spread?.due, due > now { return .waits(until: due) }
        }
    }

    /// Packets that a receiver misses, before all others.
    private func fillAgain(_ now: Instant) {
        while !batch.isFull {
            let room = UnsafeMutableRawBufferPointer(rebasing: batch.next[..<limit])
            guard let size = sender?.nextAgain(into: room, now: now) else { return }
            metrics.again.add()
            add(size)
        }
    }

    private func fill(_ now: Instant) {
        while !batch.isFull {
            if let due = spread?.due, due > now { return }
            let room = batch.next
            let size = sender?.next(into: UnsafeMutableRawBufferPointer(rebasing: room[..<limit]), now: now)
            guard let size else {
                self.packet = nil
                return
            }
            spread?.note(bytes: size - RTPHeader.size)
            guard size <= limit else {
                metrics.oversize.add()
                continue
            }
            if let sequence = sender?.transportSequence { history?.note(sequence &- 1, bytes: size, at: now) }
            add(size)
        }
    }

    /// The packet of `size` bytes that was written to the batch's next place.
    private func add(_ size: Int) {
        guard let protection else {
            metrics.bytes.add(size)
            batch.add(size)
            return
        }
        guard let whole = protection.send.protect(batch.next, count: size) else { return metrics.unsent.add() }
        metrics.bytes.add(whole)
        batch.add(whole)
    }

    private func send() -> Bool {
        guard !batch.isEmpty else { return true }
        let outcome = batch.send(on: media.rtp)
        metrics.packets.add(outcome.sent)
        if outcome.refused > 0 {
            metrics.refused.add(outcome.refused)
            isRefused = true
        }
        if outcome.failed > 0 {
            metrics.unsent.add(outcome.failed)
            lastError = outcome.error
        }
        return !outcome.isBlocked
    }

    /// errno of the last datagram that the kernel did not take; cleared by reading.
    private var lastError: Int32 = 0
    func takeError() -> Int32 {
        defer { lastError = 0 }
        return lastError
    }

    // MARK: Reports

    /// A sender report, the source's name, and on request its farewell.
    func sendReport(_ ntp: NTPTime, at time: MediaTime, cname: String, farewell: Bool = false) {
        guard let sender, sender.packets > 0 else { return }
        report.removeAll(keepingCapacity: true)
        RTCPPacket.senderReport(sender.report(ntp: ntp, at: time)).append(to: &report)
        RTCPPacket.sourceDescription([.init(ssrc: ssrc, cname: cname)]).append(to: &report)
        if farewell { RTCPPacket.bye([ssrc]).append(to: &report) }
        let room = scratch.next
        report.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: room[..<$0.count]).copyMemory(from: $0) }
        var count = report.count
        if let protection {
            guard let whole = protection.send.protect(room, count: count, isControl: true) else { return }
            count = whole
        }
        let code = media.control.send(UnsafeRawBufferPointer(rebasing: room[..<count]))
        if code == ECONNREFUSED { metrics.refused.add() }
    }

    /// Keyframes that receivers have asked for.
    var keyframes = KeyframeRequests()

    /// Reads what receivers tell.
    func readReports(_ wall: WallClock, now: Instant) {
        repeat {
            guard scratch.receive(on: media.control) == 0 else { break }
            for index in 0..<scratch.count {
                let (room, size) = scratch.datagram(index)
                var count = size
                if let protection {
                    guard case .packet(let plain) = protection.receive.unprotect(room, count: size, isControl: true)
                    else {
                        metrics.badReports.add()
                        continue
                    }
                    count = plain
                }
                let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(room)[..<count])
                guard RTPHeader.isRTCP(bytes), let packets = RTCPPacket.parse(bytes) else {
                    metrics.badReports.add()
                    continue
                }
                for packet in packets { take(packet, wall.ntp(at: now)) }
            }
        } while scratch.isFull
        scratch.clear()
    }

    private func take(_ packet: RTCPPacket, _ ntp: NTPTime) {
        switch packet {
        case .receiverReport(_, let reports): note(reports, ntp)
        case .senderReport(let report): note(report.reports, ntp)
        case .lost(_, let media, let sequences) where media == ssrc && keep > .zero:
            metrics.asked.add(sequences.count)
            sender?.ask(for: sequences)
        case .transport(let feedback): note(feedback)
        case .pictureLoss, .fullIntraRequest: keyframes.note(packet, of: ssrc)
        default: break
        }
    }

    /// How long the newest packet was under way beyond the least time that any was lately: what waits in the network.
    private func note(_ feedback: TransportFeedback) {
        for result in history?.take(feedback) ?? [] {
            guard let arrived = result.arrived else {
                metrics.missing.add()
                continue
            }
            metrics.arrived.add()
            let way = arrived.nanoseconds &- result.sent.nanoseconds
            transit.note(media: result.sent.nanoseconds, at: Instant(nanoseconds: arrived.nanoseconds))
            let least = transit.floor?.nanoseconds ?? way
            metrics.queue.set(Int((way &- least) / 1_000))
        }
    }

    private func note(_ reports: [RTCPPacket.ReportBlock], _ ntp: NTPTime) {
        for report in reports where report.ssrc == ssrc {
            metrics.lost.set(Int(report.lost))
            metrics.fraction.set(Int(report.fractionLost) * 100 / 256)
            if let trip = report.roundTrip(at: ntp) { metrics.roundTrip.set(Int(trip.nanoseconds / 1_000)) }
        }
    }
}

/// The sockets of a medium; where RTP and RTCP share a port both are one.
struct RTPSocketPair {
    let rtp: UDPSocket
    let control: UDPSocket
    var isMultiplexed: Bool { rtp === control }
}
