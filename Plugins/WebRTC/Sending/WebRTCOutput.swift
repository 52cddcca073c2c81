import Net
import RTP
import SRTP
import Sluice

/// Sends packets to the peer of its session by WebRTC, and hears what the peer says of them. Nothing is sent before the
/// peer is connected; video begins with a keyframe then.
///
/// A medium whose input is connected comes over the edge. The other ones of the session come straight from the node
/// that has started it, which saves each viewer an edge and a dispatch for each packet (`Audience`).
public final class WebRTCOutput: Node {
    public static let descriptor = NodeDescriptor(
        "webrtc-output", summary: "Sends packets to the WebRTC peer of its session", traits: .live,
        example: #""peer": { "type": "webrtc-output" }"#)

    let video = Input<Packet>("video", .codedVideo([.h264, .vp8]), optional: true)
    let audio = Input<Packet>("audio", .codedAudio([.opus], channels: [1, 2]), optional: true)
    let keyframe = RequestOutput("keyframe", help: "Asks for a keyframe when the peer begins, or has lost the picture.")

    let estimate = ValueOutput(
        "encoder_kbps",
        help: "The bitrate for an encoder of video: a part of the estimate that the peer tells, in kb/s.")

    @Parameter(
        "encoder_percent", default: 65, range: 10...100,
        help: "The encoder's part of the peer's estimate in percent. The rest is for audio, headers and repair.")
    var encoderPercent: Int
    @Parameter("min_kbps", default: 500, range: 30...100_000, help: "The least bitrate for the encoder in kb/s.")
    var leastRate: Int
    @Parameter("max_kbps", default: 1_800, range: 30...100_000, help: "The most bitrate for the encoder in kb/s.")
    var mostRate: Int

    private var context: NodeContext!
    private var session: PeerSession!
    private var inbox: NodeContext.Inbox<PeerLink.Event>!
    private var streams: (video: SentStream?, audio: SentStream?)
    private var protections: (send: SRTPContext, receive: SRTPContext)?
    private var reports: ReportTimer!
    private var wall: WallClock!
    private var metrics: (video: SentStream.Metrics, audio: SentStream.Metrics)!
    private var early, badReports: Metric.Counter!
    private var outgoing: ReportSender?
    private var way: PeerWay?
    private var armed = Instant.distantFuture
    private let turn = SessionTurn()
    private var memberships: [(audience: Audience, member: Audience.Member)] = []
    private var rate: SendRate?
    private var toldRate = 0
    private var estimateMetric: Metric.Counter!
    private var isOver = false

    public init() {}

    public static var metrics: [Metric] {
        SentStream.declared + [
            .counter("before_connection", "Packets left out because the peer was not connected yet."),
            .gauge("estimate_kbps", "The bitrate that the viewer's estimate and its loss allow, in kb/s."),
            .counter("bad_reports", "RTCP packets that make no sense, or are not the peer's."),
        ]
    }

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        guard let session = context.resource as? PeerSession else {
            throw NodeError(
                "it has no peer", advice: "Put it into a template that webrtc-viewers starts.", isInputError: true)
        }
        self.session = session
        metrics = (.init(context, "video"), .init(context, "audio"))
        early = context.counter("before_connection")
        estimateMetric = context.gauge("estimate_kbps")
        badReports = context.counter("bad_reports")
        wall = WallClock(unixNanoseconds: SystemClock.unixNanoseconds, at: context.now)
        reports = ReportTimer(interval: .seconds(1), ssrc: session.video?.ssrc ?? session.audio?.ssrc ?? 0)
        let inbox = context.inbox(of: PeerLink.Event.self, capacity: 256)
        self.inbox = inbox
        context.isWaiting(for: "the peer to connect")
        session.link.listen { inbox.post($0) }
    }

    public func process(now: Instant) throws {
        turn.take { way?.flush() }
        if !context.reasons.isSubset(of: [.input, .timer, .more]) {
            while let event = inbox.next() { try take(event, now) }
        }
        guard protections != nil, !isOver else { return leaveOut() }
        turn.take {
            sendMedia(now)
            if let video = streams.video {
                video.pump(now: now)
                if video.keyframes.take(now: now) { keyframe.send() }
            }
            if reports.due.map({ $0 + reportPatience <= now }) ?? true { report(now) }
            if rate?.takeSilence(now: now) == true {
                context.log(.info, "\(session.peer) has told no estimate of its link for 10 s")
            }
            arm(now)
            if way?.isOwing == true { context.wakeAgain() }
        }
    }

    private func arm(_ now: Instant) {
        var due = min(reports.due.map { $0 + reportPatience } ?? .distantFuture, rate?.due ?? .distantFuture)
        if let asked = streams.video?.keyframes.due { due = min(due, asked) }
        if let next = streams.video?.due { due = min(due, next) }
        guard due < .distantFuture, due != armed || due <= now else { return }
        armed = due
        context.wake(at: due)
    }

    public func close() {
        leaveAudiences()
        turn.take {
            showSent()
            way?.flush()
        }
        session?.link.leave()
    }

    // MARK: The peer

    private func take(_ event: PeerLink.Event, _ now: Instant) throws {
        switch event {
        case .connected(let keys):
            let send = try SRTPContext(keys.suite, key: keys.sending, .sending, repeats: true)
            protections = (send, try SRTPContext(keys.suite, key: keys.receiving, .receiving))
            let way = PeerWay(session.link)
            self.way = way
            outgoing = ReportSender(send, way)
            streams.video = session.video.map { SentStream("video", $0, send, way, metrics.video) }
            streams.audio = session.audio.map { SentStream("audio", $0, send, way, metrics.audio) }
            context.isWaiting(for: nil)
            let path = session.link.route.map { " (\($0))" } ?? ""
            context.log(.info, "\(session.peer) is connected\(path), \(keys.suite.rawValue)")
            turn.take {
                streams.video?.begin(now: now)
                streams.audio?.begin(now: now)
            }
            rate = SendRate(rateSettings, now: now)
            joinAudiences()
        case .datagram(let bytes, _): turn.take { takeControl(bytes, now) }
        case .ended(let sentence):
            isOver = true
            leaveAudiences()
            context.isWaiting(for: nil)
            if let sentence { throw NodeError("\(session.peer): \(sentence)") }
            context.log(.info, "\(session.peer) has left")
            context.finish()
        }
    }

    /// Where no edge leads here the peer gets the medium as the starter of its session has it.
    private func joinAudiences() {
        var direct: [(medium: PeerSession.SentMedium, stream: SentStream)] = []
        if let medium = session.audio, let stream = streams.audio, !audio.isConnected {
            direct.append((medium, stream))
        }
        if let medium = session.video, let stream = streams.video, !video.isConnected {
            direct.append((medium, stream))
        }
        // Audio comes at an even pace.
        var report: ((Instant) -> Instant)? = { [unowned self] now in
            self.report(now)
            return reports.due ?? now + .seconds(1)
        }
        for (medium, stream) in direct {
            let member = Audience.Member(stream, turn, context.handle, report: report.take())
            medium.stream.audience.add(member)
            memberships.append((medium.stream.audience, member))
        }
    }

    /// So long reports wait for media to go with.
    private var reportPatience: Interval { memberships.isEmpty ? .zero : .milliseconds(200) }

    private func leaveAudiences() {
        for (audience, member) in memberships { audience.remove(member) }
        memberships = []
    }

    private func showSent() {
        streams.video?.show()
        streams.audio?.show()
    }

    private func takeControl(_ protected: [UInt8], _ now: Instant) {
        guard let protections else { return }
        var bytes = protected
        let packets: [RTCPPacket]? = bytes.withUnsafeMutableBytes { room in
            guard RTPHeader.isRTCP(UnsafeRawBufferPointer(room)) else { return [] }
            guard case .packet(let count) = protections.receive.unprotect(room, count: room.count, isControl: true)
            else { return nil }
            return RTCPPacket.parse(UnsafeRawBufferPointer(rebasing: room[..<count]))
        }
        guard let packets else { return badReports.add() }
        for packet in packets { take(packet, now) }
    }

    private func take(_ packet: RTCPPacket, _ now: Instant) {
        switch packet {
        case .receiverReport(_, let blocks): note(blocks, now)
        case .senderReport(let report): note(report.reports, now)
        case .lost(_, let media, let sequences): sendAgain(sequences, of: media, now)
        case .pictureLoss, .fullIntraRequest: streams.video?.noteRequest(packet)
        case .estimate(let estimate):
            rate?.note(estimate, at: now)
            streams.video?.follow(estimate: rate?.bitsPerSecond ?? 0)
            tellRate()
        default: break
        }
    }

    private func sendAgain(_ sequences: [UInt16], of media: UInt32, _ now: Instant) {
        guard let stream = stream(of: media) else { return }
        stream.sendAgain(sequences, now: now)
        guard stream.takeExcess() else { return }
        context.log(
            .warning,
            "\(session.peer) has asked for more packets of \(stream.name) again than it was sent: it gets no more of "
                + "them than that. Its link loses most packets, or it asks for all of them")
    }

    private func note(_ blocks: [RTCPPacket.ReportBlock], _ now: Instant) {
        for block in blocks {
            guard let stream = stream(of: block.ssrc) else { continue }
            stream.note(block, at: wall.ntp(at: now), now: now)
            rate?.note(block, at: now)
        }
        tellRate()
    }

    private func tellRate() {
        guard let bits = rate?.bitsPerSecond, let encoder = rate?.encoderBitsPerSecond, encoder != toldRate else {
            return
        }
        toldRate = encoder
        estimateMetric.set(bits / 1_000)
        estimate.send(Double(encoder) / 1_000)
    }

    private func stream(of ssrc: UInt32) -> SentStream? {
        if streams.video?.sender.ssrc == ssrc { return streams.video }
        return streams.audio?.sender.ssrc == ssrc ? streams.audio : nil
    }

    private var rateSettings: SendRate.Settings {
        var settings = SendRate.Settings()
        settings.encoderPercent = encoderPercent
        settings.encoder = min(leastRate, mostRate) * 1_000...mostRate * 1_000
        return settings
    }

    // MARK: Media

    private func leaveOut() {
        while audio.next() != nil { early.add() }
        while video.next() != nil { early.add() }
    }

    private func sendMedia(_ now: Instant) {
        while let packet = audio.next() { streams.audio?.send(packet, now: now) }
        while let packet = video.next() { streams.video?.send(packet, now: now) }
    }

    private func report(_ now: Instant) {
        showSent()
        let line = session.video?.stream.line ?? session.audio?.stream.line
        guard let time = line?.time(at: now), reports.take(now: now) else { return }
        outgoing?.send(cname: session.cname, ssrc: session.video?.ssrc ?? session.audio?.ssrc ?? 0, now: now) {
            streams.video?.report(wall.ntp(at: now), at: time, to: &$0)
            streams.audio?.report(wall.ntp(at: now), at: time, to: &$0)
        }
    }
}
