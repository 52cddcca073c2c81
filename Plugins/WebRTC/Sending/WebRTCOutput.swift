import Net
import RTP
import SRTP
import Sluice

/// Sends packets to the peer of its session by WebRTC, and hears what the peer says of them. Nothing is sent before the
/// peer is connected; video begins with a keyframe then.
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
        while let event = inbox.next() { try take(event, now) }
        guard protections != nil, !isOver else { return leaveOut() }
        sendMedia(now)
        streams.video?.pump(now: now)
        for stream in [streams.video, streams.audio] {
            if let stream, stream.keyframes.take(now: now) { keyframe.send() }
        }
        report(now)
        if rate?.takeSilence(now: now) == true {
            context.log(.info, "\(session.peer) has told no estimate of its link for 10 s")
        }
        var due = min(reports.due ?? .distantFuture, rate?.due ?? .distantFuture)
        if let asked = streams.video?.keyframes.due { due = min(due, asked) }
        if let next = streams.video?.due { due = min(due, next) }
        if due < .distantFuture { context.wake(at: due) }
    }

    public func close() { session?.link.leave() }

    // MARK: The peer

    private func take(_ event: PeerLink.Event, _ now: Instant) throws {
        switch event {
        case .connected(let keys):
            let send = try SRTPContext(keys.suite, key: keys.sending, .sending, repeats: true)
            protections = (send, try SRTPContext(keys.suite, key: keys.receiving, .receiving))
            outgoing = ReportSender(send, session.link)
            streams.video = session.video.map { SentStream("video", $0, send, session.link, metrics.video) }
            streams.audio = session.audio.map { SentStream("audio", $0, send, session.link, metrics.audio) }
            context.isWaiting(for: nil)
            let way = session.link.route.map { " (\($0))" } ?? ""
            context.log(.info, "\(session.peer) is connected\(way), \(keys.suite.rawValue)")
            streams.video?.begin(now: now)
            streams.audio?.begin(now: now)
            rate = SendRate(rateSettings, now: now)
        case .datagram(let bytes, _): takeControl(bytes, now)
        case .ended(let sentence):
            isOver = true
            context.isWaiting(for: nil)
            if let sentence { throw NodeError("\(session.peer): \(sentence)") }
            context.log(.info, "\(session.peer) has left")
            context.finish()
        }
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
        case .lost(_, let media, let sequences): stream(of: media)?.sendAgain(sequences, now: now)
        case .pictureLoss, .fullIntraRequest: streams.video?.noteRequest(packet)
        case .estimate(let estimate):
            rate?.note(estimate, at: now)
            streams.video?.follow(estimate: rate?.bitsPerSecond ?? 0)
            tellRate()
        default: break
        }
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
        for input in [video, audio] { while input.next() != nil { early.add() } }
    }

    private func sendMedia(_ now: Instant) {
        for (input, stream) in [(audio, streams.audio), (video, streams.video)] {
            while let packet = input.next() { stream?.send(packet, now: now) }
        }
    }

    private func report(_ now: Instant) {
        let line = session.video?.stream.line ?? session.audio?.stream.line
        guard let time = line?.time(at: now), reports.take(now: now) else { return }
        outgoing?.send(cname: session.cname, ssrc: session.video?.ssrc ?? session.audio?.ssrc ?? 0) { bytes in
            streams.video?.report(wall.ntp(at: now), at: time, to: &bytes)
            streams.audio?.report(wall.ntp(at: now), at: time, to: &bytes)
        }
    }
}
