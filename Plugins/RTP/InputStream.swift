import Bitstream
import Glibc
import Holding
import Net
import RTP
import SRTP
import Sluice

/// One incoming medium: its sockets, its receiver, its frames on the way to the output.
final class InputStream {
    let media: InputMedia
    let sockets: RTPSocketPair
    let receiver: StreamReceiver
    let index: Int
    private let output: Output<Packet>
    private let protection: (receive: SRTPContext, send: SRTPContext)?
    // Only the node's lane gets here, so exclusivity need not be checked at run time.
    @exclusivity(unchecked) private var framePackets: FramePackets
    @exclusivity(unchecked) private var waiting: FrameQueue
    private let ssrc: UInt32
    /// Where reports of this medium come from, and go to.
    @exclusivity(unchecked) private var controlPeer: SocketAddress?
    @exclusivity(unchecked) private var report: (packet: RTCPPacket.SenderReport, sender: SocketAddress, isUsed: Bool)?
    private var outgoing = DatagramBatch(capacity: 1, room: 9_216)
    /// When the sender has said that nothing more comes. Packets that it has overtaken may still be on their way.
    @exclusivity(unchecked) private(set) var overSince: Instant?
    @exclusivity(unchecked) private(set) var lastArrival: Instant?
    @exclusivity(unchecked) private(set) var peer: SocketAddress?
    private let limit: PictureLimit
    private let context: NodeContext
    @exclusivity(unchecked) private var requests = KeyframeRequests()
    /// Where packets came from that must not.
    @exclusivity(unchecked) private(set) var stranger: SocketAddress?
    /// Datagrams that are no packets, or too large.
    @exclusivity(unchecked) private var strays = 0
    let metrics: InputMetrics
    /// Facts of a stream that are said once.
    struct Fact: OptionSet {
        let rawValue: Int
        static let source = Fact(rawValue: 1 << 0)
        static let key = Fact(rawValue: 1 << 1)
        static let foreign = Fact(rawValue: 1 << 2)
        static let stranger = Fact(rawValue: 1 << 3)
        static let loss = Fact(rawValue: 1 << 4)
        static let size = Fact(rawValue: 1 << 5)
        static let dropped = Fact(rawValue: 1 << 6)
        static let leap = Fact(rawValue: 1 << 7)
        static let other = Fact(rawValue: 1 << 8)
        static let malformed = Fact(rawValue: 1 << 9)
    }
    @exclusivity(unchecked) var said: Fact = []

    var name: String { media.kind }
    /// Nothing waits for room at the output.
    var isEmpty: Bool { waiting.isEmpty }

    init(
        _ media: InputMedia, _ sockets: RTPSocketPair, index: Int, output: Output<Packet>,
        _ settings: StreamReceiver.Settings, limit: PictureLimit, hold: (time: Interval, bytes: Int),
        _ context: NodeContext
    ) throws {
        self.media = media
        self.sockets = sockets
        self.index = index
        self.output = output
        protection = try media.crypto.map {
            (try SRTPContext($0.suite, key: $0.key, .receiving), try SRTPContext($0.suite, key: $0.key, .sending))
        }
        receiver = StreamReceiver(settings)
        self.limit = limit
        self.context = context
        var random = SystemRandomNumberGenerator()
        ssrc = UInt32.random(in: 1 ... .max, using: &random)
        let known = media.knownFormat.flatMap { limit.isOver($0) ? nil : $0 }
        framePackets = FramePackets(
            FollowedFormat(
                media.format, format: known, known: media.knownFormats, parameterSets: media.parameterSets,
                frameRate: media.frameRate),
            isVideo: media.format.isVideo, stream: index, sourceClock: context.sourceClock)
        waiting = FrameQueue(longest: hold.time, mostBytes: hold.bytes, isVideo: media.format.isVideo)
        metrics = InputMetrics(context, media.kind)
        if let known = media.knownFormat, isAllowed(known) { output.fix(known) }
    }

    // MARK: Datagrams

    /// So many batches are read in one call: a flood holds nobody else's packets up.
    private static let mostBatches = 32

    /// Reads what waits at the socket into `batch`, time and again until nothing does, whatever the output does.
    func read(_ batch: DatagramBatch, _ timeline: inout ReceiveTimeline, now: Instant) throws {
        for _ in 0..<InputStream.mostBatches {
            guard batch.receive(on: sockets.rtp) == 0, batch.count > 0 else { break }
            for index in 0..<batch.count {
                let (room, count) = batch.datagram(index)
                if batch.isTruncated(index) {
                    strays += 1
                } else if sockets.isMultiplexed, RTPHeader.isRTCP(UnsafeRawBufferPointer(rebasing: room[..<count])) {
                    takeControl(room, count, from: batch.sender(index), &timeline, now)
                } else {
                    takeMedia(room, count, from: batch, index, &timeline, now)
                }
            }
            if batch.count < batch.capacity { break }
        }
        note()
    }

    func readControl(_ batch: DatagramBatch, _ timeline: inout ReceiveTimeline, now: Instant) {
        for _ in 0..<InputStream.mostBatches {
            guard batch.receive(on: sockets.control) == 0 else { return }
            for index in 0..<batch.count {
                let (room, count) = batch.datagram(index)
                takeControl(room, count, from: batch.sender(index), &timeline, now)
            }
            if batch.count < batch.capacity { return }
        }
    }

    private func takeMedia(
        _ room: UnsafeMutableRawBufferPointer, _ size: Int, from batch: DatagramBatch, _ index: Int,
        _ timeline: inout ReceiveTimeline, _ now: Instant
    ) {
        var count = size
        if let protection {
            switch protection.receive.unprotect(room, count: size) {
            case .packet(let plain): count = plain
            case .notAuthentic: return metrics.notAuthentic.add()
            case .replayed: return metrics.replayed.add()
            case .malformed:
                strays += 1
                return
            }
        }
        let before = receiver.counts
        let sender = batch.sender(index)
        receiver.receive(
            UnsafeRawBufferPointer(rebasing: room[..<count]), from: sender.origin, now: now,
            restarted: { restart(&timeline) }, { send($0, &timeline) })
        if receiver.counts.strangers > before.strangers, stranger == nil { stranger = sender }
        guard receiver.counts.packets > before.packets else { return }
        lastArrival = now
        if peer == nil || receiver.counts.sourceChanges > before.sourceChanges { peer = sender }
    }

    /// Frames that are due though nothing comes.
    func release(_ timeline: inout ReceiveTimeline, now: Instant) {
        receiver.release(now: now) { send($0, &timeline) }
        handOn()
        note()
    }

    /// Frames that waited, as far as there is room.
    func handOn() {
        while !waiting.isEmpty, output.hasRoom, let packet = waiting.next() { output.send(packet) }
    }

    private func handOn(_ packet: Packet) {
        if waiting.isEmpty, !waiting.needsKeyframe, output.hasRoom { return output.send(packet) }
        metrics.dropped.add(waiting.append(packet))
        if waiting.needsKeyframe { requests.ask() }
    }

    func drain(_ timeline: inout ReceiveTimeline) {
        receiver.drain { send($0, &timeline) }
        note()
    }

    private func note() { metrics.note(receiver, strays: strays) }

    private func restart(_ timeline: inout ReceiveTimeline) {
        framePackets.restart(&timeline, clockRate: receiver.timestampRate)
        report = nil
        controlPeer = nil
        overSince = nil
    }

    // MARK: Frames

    private func send(_ frame: ReceivedFrame, _ timeline: inout ReceiveTimeline) {
        useReport(&timeline)
        let outcome = framePackets.take(frame, on: &timeline) { isAllowed($0) }
        if outcome.isLeap { metrics.leaps.add() }
        if outcome.shift != .zero {
            metrics.shift.set(metrics.shift.count + Int(outcome.shift.milliseconds.rounded()))
        }
        guard let packet = outcome.packet else {
            return outcome.isRefused ? metrics.tooLarge.add() : metrics.unknown.add()
        }
        if frame.isKeyframe { requests.serve() }
        metrics.frames.add()
        handOn(packet)
    }

    /// Of the session; set by the node before each call.
    var epoch: UInt32 {
        get { framePackets.epoch }
        set { framePackets.epoch = newValue }
    }

    /// No larger than is asked for; said once where it is.
    private func isAllowed(_ format: MediaFormat) -> Bool {
        guard limit.isOver(format), let video = format.video else { return true }
        guard said.insert(.size).inserted else { return false }
        context.log(
            .warning,
            "\(name) of \(video.width)x\(video.height) is left out: \(limit.words). Raise them if it is meant; counted as \(name)_too_large"
        )
        return false
    }

    // MARK: RTCP

    private func takeControl(
        _ room: UnsafeMutableRawBufferPointer, _ size: Int, from sender: SocketAddress,
        _ timeline: inout ReceiveTimeline, _ now: Instant
    ) {
        var count = size
        if let protection {
            guard case .packet(let plain) = protection.receive.unprotect(room, count: size, isControl: true) else {
                metrics.badReports.add()
                return
            }
            count = plain
        }
        let bytes = UnsafeRawBufferPointer(rebasing: room[..<count])
        guard RTPHeader.isRTCP(bytes), let packets = RTCPPacket.parse(bytes) else {
            metrics.badReports.add()
            return
        }
        // A stranger's reports say nothing of this stream, and get no answer.
        guard receiver.mayReport(sender.origin) else {
            metrics.badReports.add()
            return
        }
        for packet in packets {
            switch packet {
            case .senderReport(let report):
                // Before there is a source, nobody knows yet whose report this is; it waits, the newest alone.
                guard receiver.source == nil || report.ssrc == receiver.source else { continue }
                metrics.reports.add()
                receiver.note(report, at: now)
                self.report = (report, sender, false)
                useReport(&timeline)
            case .bye(let sources):
                guard let source = receiver.source, sources.contains(source) else { continue }
                receiver.releaseSource()
                if overSince == nil { overSince = now }
            default: break
            }
        }
    }

    /// A report may come before the packets that it speaks of.
    private func useReport(_ timeline: inout ReceiveTimeline) {
        guard let report, !report.isUsed, report.packet.ssrc == receiver.source,
            receiver.mayReport(report.sender.origin), let timestamp = receiver.unwrapped(report.packet.timestamp)
        else { return }
        self.report?.isUsed = true
        controlPeer = report.sender
        timeline.note(report.packet.ntp, timestamp: timestamp, stream: index)
    }

    /// A receiver report, and where `asksKeyframe` a picture loss indication, to the address that sends reports.
    func sendReport(
        cname: String, now: Instant, asksKeyframe: Bool = false, _ feedback: [RTCPPacket] = [], farewell: Bool = false
    ) {
        guard let controlPeer, let source = receiver.source else { return }
        var bytes: [UInt8] = []
        RTCPPacket.receiverReport(ssrc: ssrc, reports: receiver.report(now: now).map { [$0] } ?? []).append(to: &bytes)
        RTCPPacket.sourceDescription([.init(ssrc: ssrc, cname: cname)]).append(to: &bytes)
        if asksKeyframe { RTCPPacket.pictureLoss(sender: ssrc, media: source).append(to: &bytes) }
        for packet in feedback { packet.append(to: &bytes) }
        if farewell { RTCPPacket.bye([ssrc]).append(to: &bytes) }
        let room = outgoing.next
        guard bytes.count + SRTPContext.trailer <= room.count else { return }
        bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: room[..<$0.count]).copyMemory(from: $0) }
        var count = bytes.count
        if let protection {
            guard let whole = protection.send.protect(room, count: count, isControl: true) else { return }
            count = whole
        }
        _ = sockets.control.send(UnsafeRawBufferPointer(rebasing: room[..<count]), to: controlPeer)
        if asksKeyframe { metrics.asked.add() }
    }

    /// Whether the sender is to be asked for a keyframe now: the picture is lost, or the graph asks (`isAsked`). Never
    /// more often than `KeyframeRequests` allows.
    func asksKeyframe(now: Instant, isAsked: Bool) -> Bool {
        guard media.format.isVideo else { return false }
        if isAsked { requests.ask() }
        guard receiver.source != nil, controlPeer != nil else { return false }
        if receiver.depacketizer.needsKeyframe || framePackets.format.format == nil { requests.ask() }
        return requests.take(now: now)
    }

    /// When packets came is told so often, where the sender wants to know it.
    private static let feedbackInterval = Interval.milliseconds(100)
    private var toldArrivals = Instant(nanoseconds: 0)

    /// Feedback to the sender besides reports: packets that are missing, and when others came.
    func feedback(now: Instant) -> [RTCPPacket] {
        guard let source = receiver.source, controlPeer != nil else { return [] }
        var packets: [RTCPPacket] = []
        if let lost = receiver.missing?.take(now: now), !lost.isEmpty {
            packets.append(.lost(sender: ssrc, media: source, lost))
            metrics.again.add(lost.count)
        }
        if !receiver.arrivals.isEmpty, now >= toldArrivals + InputStream.feedbackInterval {
            toldArrivals = now
            packets += receiver.arrivals.take(sender: ssrc, media: source).map { .transport($0) }
        }
        return packets
    }

    var feedbackDue: Instant? {
        guard controlPeer != nil else { return nil }
        let told = receiver.arrivals.isEmpty ? nil : toldArrivals + InputStream.feedbackInterval
        guard let asked = receiver.missing?.due else { return told }
        return told.map { min($0, asked) } ?? asked
    }

    /// How long the media that came last were under way since their capture, if both wall clocks agree.
    func noteCaptureTime(_ wall: WallClock) {
        guard let captured = receiver.captured else { return }
        metrics.captureAge.set(Int(wall.ntp(at: captured.arrival).nanoseconds(since: captured.time) / 1_000))
    }

    /// When a request that waits may go out.
    var keyframeDue: Instant? { controlPeer == nil ? nil : requests.due }

    /// Whose packets are the right ones, in words.
    func rightful(_ path: String) -> String {
        let allowed = receiver.settings.sources
        if let peer, allowed.hosts.isEmpty, allowed.announced.isEmpty { return "it comes from \(peer)" }
        if !allowed.announced.isEmpty, allowed.hosts.isEmpty {
            let named = allowed.announced.sorted().prefix(4).map { String($0) }.joined(separator: ", ")
            return "\(path) names the source \(named)"
        }
        return "\(path) or \"sender\" names another host"
    }
}

extension SocketAddress {
    /// An address of one other machine: the kernel binds no socket to it.
    var isElsewhere: Bool {
        guard !isMulticast else { return false }
        do {
            _ = try UDPSocket(boundTo: self)
            return false
        } catch { return error.code == EADDRNOTAVAIL }
    }

    /// As receivers compare it.
    var origin: PacketOrigin {
        withPointer { address, length in
            let bytes = UnsafeRawBufferPointer(start: address, count: Int(length))
            // The port, then the address of IPv4; IPv6 has its flow label between (RFC 3493, section 3.3).
            let range = family == AF_INET6 ? 8..<24 : 4..<8
            guard bytes.count >= range.upperBound else { return PacketOrigin(host: .init([]), port: 0) }
            return PacketOrigin(host: .init(bytes[range]), port: UInt16(bytes[2]) << 8 | UInt16(bytes[3]))
        }
    }
}

extension PictureLimit {
    /// Pictures of that format are larger.
    func isOver(_ format: MediaFormat) -> Bool {
        format.video.map { !holds(width: $0.width, height: $0.height) } ?? false
    }
}
