import CongestionControl
import ICE
import Net
import RTP
import SRTP
import Sluice

/// The part that nodes have in common which send packets to one peer by WebRTC, and hear what the peer says of them.
/// Nothing is sent before the peer is connected; video begins with a keyframe then.
public class SendingNode {
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

    private(set) var context: NodeContext!
    private(set) var session: PeerSession?
    private var inbox: NodeContext.Inbox<Sending>!
    private var streams: [SentStream] = []
    /// Those of `streams` that the edges lead to.
    private var fed: (video: SentStream?, audio: SentStream?)
    private var protections: (send: SRTPContext, receive: SRTPContext)?
    private var reports: ReportTimer!
    private var wall: WallClock!
    private var metrics: (video: SentStream.Metrics, audio: SentStream.Metrics)!
    private var early, badReports: Metric.Counter!
    private var outgoing: ReportSender?
    private var way: PeerWay?
    private var armed = Instant.distantFuture
    private let turn = SessionTurn()
    private var memberships: [(stream: SentStream, member: Audience.Member)] = []
    private var congestion: PeerCongestion?
    private var encoder = SendRate.Settings()
    /// The rate that the encoder was told last, and when.
    private var told: (bits: Int, at: Instant)?
    /// When it was last told to make less.
    private var lowered: Instant?
    private var rateMetrics: RateMetrics!
    private var firstPicture, byTCP, ways: Metric.Counter!
    /// When the session began, until its first picture has gone out.
    private var begun: Instant?
    private var route: ICERoute?
    private var isOver = false

    /// An event of one link, so that late ones of the link before are passed over.
    private struct Sending: Sendable {
        let link: ObjectIdentifier
        let event: PeerLink.Event
    }

    public required init() {}

    public static var metrics: [Metric] {
        SentStream.declared + RateMetrics.declared + [
            .counter("before_connection", "Packets left out because the peer was not connected yet."),
            .gauge("first_picture_ms", "From the session's start until the first picture went out."),
            .gauge("by_tcp_percent", "100 where media go by TCP in the end, 0 where they go by UDP."),
            .counter("ways", "Ways that media took to the peer: each after the first is another path of ICE."),
            .counter("bad_reports", "RTCP packets that make no sense, or are not the peer's."),
        ]
    }

    func open(_ context: NodeContext) {
        self.context = context
        metrics = (.init(context, "video"), .init(context, "audio"))
        early = context.counter("before_connection")
        rateMetrics = RateMetrics(context)
        badReports = context.counter("bad_reports")
        firstPicture = context.gauge("first_picture_ms")
        byTCP = context.gauge("by_tcp_percent")
        ways = context.counter("ways")
        wall = WallClock(unixNanoseconds: SystemClock.unixNanoseconds, at: context.now)
        inbox = context.inbox(of: Sending.self, capacity: 256)
    }

    /// Sends to the peer of `session` from now on.
    func begin(_ session: PeerSession) {
        leave()
        self.session = session
        (streams, fed, protections, outgoing, way, congestion) = ([], (nil, nil), nil, nil, nil, nil)
        (isOver, armed, told, lowered) = (false, .distantFuture, nil, nil)
        (begun, route) = (context.now, nil)
        reports = ReportTimer(interval: .seconds(1), ssrc: session.media.sent.first?.ssrc ?? 0)
        let (inbox, link) = (inbox!, ObjectIdentifier(session.link))
        // Reports have time until the next frame; what asks for something has none.
        let (media, fed) = (session.media, (video: video.isConnected, audio: audio.isConnected))
        session.link.listen { [weak peer = session.link] event in
            guard case .datagram(let bytes, let arrived) = event, RTCPPacket.isReportAlone(protected: bytes),
                let audience = SendingNode.audience(of: media.sent, fed)
            else { return inbox.post(Sending(link: link, event: event)) }
            audience.afterNextFrame(arrived) { [weak peer] in
                guard let peer, !inbox.post(Sending(link: link, event: event)) else { return }
                peer.untaken.wrappingAdd(1, ordering: .relaxed)
            }
            return true
        }
    }

    /// The audience by whose frames the session's peer is sent something, the most even one.
    private static func audience(of sent: [PeerSession.SentMedium], _ fed: (video: Bool, audio: Bool)) -> Audience? {
        if !fed.audio, let audio = sent.first(where: { !$0.stream.format.isVideo }) { return audio.stream.audience }
        return fed.video ? nil : sent.first { $0.stream.format.isVideo }?.stream.audience
    }

    /// The peer is connected.
    func connected(_ session: PeerSession, now: Instant) { context.isWaiting(for: nil) }

    /// The session is over; the peer or we have ended it where there is no sentence.
    func ended(_ session: PeerSession, _ sentence: String?, now: Instant) throws {}

    /// A packet that is left out, since the peer is not connected.
    func passOver(_ packet: Packet) {}

    /// Does all that is to be done; more than that is the subclass's.
    func run(now: Instant) throws {
        turn.take { way?.flush() }
        if !context.reasons.isSubset(of: [.input, .timer, .more]) {
            while let sending = inbox.next() {
                guard let session, ObjectIdentifier(session.link) == sending.link else { continue }
                try take(sending.event, session, now)
            }
        }
        guard let session, protections != nil, !isOver else { return leaveOut() }
        turn.take {
            sendMedia(now)
            for stream in streams where stream.isVideo {
                stream.pump(now: now)
                guard stream.keyframes.take(now: now) else { continue }
                if let ask = stream.askKeyframe { ask() } else { keyframe.send() }
            }
            if reports.due.map({ $0 + reportPatience <= now }) ?? true { report(now) }
            congestion?.run(now: now)
            followRate(now)
            if streams.contains(where: \.isVideo), congestion?.takeSilence(now: now) == true {
                context.log(.info, "\(session.peer) has told no estimate of its link for 10 s")
            }
            arm(now)
            if way?.isOwing == true { context.wakeAgain() }
        }
    }

    private func arm(_ now: Instant) {
        var due = reports.due.map { $0 + reportPatience } ?? .distantFuture
        for stream in streams where stream.isVideo {
            due = min(due, congestion?.due ?? .distantFuture)
            due = min(due, stream.keyframes.due ?? .distantFuture, stream.due ?? .distantFuture)
        }
        congestion?.armed = due
        guard due < .distantFuture, due != armed || due <= now else { return }
        armed = due
        context.wake(at: due)
    }

    /// Ends the session.
    func leave() {
        guard let session else { return }
        leaveAudiences()
        turn.take {
            showSent(context.now)
            way?.flush()
            for stream in streams { stream.count(by: nil) }
        }
        session.link.leave()
        self.session = nil
    }

    // MARK: The peer

    private func take(_ event: PeerLink.Event, _ session: PeerSession, _ now: Instant) throws {
        switch event {
        case .connected(let keys):
            let send = try SRTPContext(keys.suite, key: keys.sending, .sending, repeats: true)
            protections = (send, try SRTPContext(keys.suite, key: keys.receiving, .receiving))
            let way = PeerWay(session.link)
            self.way = way
            outgoing = ReportSender(send, way)
            connected(session, now: now)
            let path = session.link.route.map { " (\($0))" } ?? ""
            context.log(.info, "\(session.peer) is connected\(path), \(keys.suite.rawValue)")
            notePath(session)
            encoder = rateSettings
            congestion = PeerCongestion(first: encoder.first, now: now)
            followMedia(session, now)
        case .mediaChanged: followMedia(session, now)
        case .datagram(let bytes, let arrived): turn.take { takeControl(bytes, arrived: arrived, now) }
        case .moved: turn.take { for stream in streams where stream.isVideo { stream.keyframes.ask() } }
        case .ended(let sentence):
            isOver = true
            leaveAudiences()
            try ended(session, sentence, now: now)
        }
    }

    /// Begins what the session has and is not sent yet, and ends what it has no more.
    private func followMedia(_ session: PeerSession, _ now: Instant) {
        guard let protections, let way, let congestion else { return }
        let sent = session.media.sent
        turn.take { congestion.follow(sent, now: now) }
        for stream in streams where !sent.contains(where: { $0.ssrc == stream.ssrc }) { end(stream, now) }
        for medium in sent where !streams.contains(where: { $0.ssrc == medium.ssrc }) {
            let isVideo = medium.stream.format.isVideo
            let stream = SentStream(medium, protections.send, way, isVideo ? metrics.video : metrics.audio)
            turn.take {
                streams.append(stream)
                stream.count(by: congestion)
                stream.begin(now: now)
            }
            if isVideo, video.isConnected, fed.video == nil {
                fed.video = stream
            } else if !isVideo, audio.isConnected, fed.audio == nil {
                fed.audio = stream
            } else {
                join(stream, medium.stream.audience)
            }
        }
        turn.take {
            for stream in streams { stream.count(by: congestion) }
            wish(now)
        }
        shareReports()
    }

    private func end(_ stream: SentStream, _ now: Instant) {
        for (_, member) in memberships where member.stream === stream { stream.audience.remove(member) }
        memberships.removeAll { $0.stream === stream }
        if fed.video === stream { fed.video = nil }
        if fed.audio === stream { fed.audio = nil }
        turn.take {
            stream.show(now: now)
            stream.count(by: nil)
            streams.removeAll { $0 === stream }
        }
    }

    /// Where no edge leads here the peer gets the medium as the starter of its session has it.
    private func join(_ stream: SentStream, _ audience: Audience) {
        let member = Audience.Member(stream, turn, context.handle)
        memberships.append((stream, member))
        audience.add(member)
    }

    /// Our reports go with the frames of one stream, the most even one: audio comes at an even pace.
    private func shareReports() {
        let even = memberships.first { !$0.stream.isVideo } ?? memberships.first
        turn.take {
            for (_, member) in memberships where member !== even?.member { member.report = nil }
            guard let member = even?.member, member.report == nil else { return }
            member.report = { [unowned self] now in
                self.report(now)
                return reports.due ?? now + .seconds(1)
            }
        }
    }

    /// So long reports wait for media to go with. While media flow, reports of the peer put this timer off: a timer for
    /// each peer in each second costs a tenth of all.
    private var reportPatience: Interval { memberships.isEmpty ? .zero : .seconds(5) }

    private func leaveAudiences() {
        for (stream, member) in memberships { stream.audience.remove(member) }
        memberships = []
    }

    private func showSent(_ now: Instant) {
        for stream in streams { stream.show(now: now) }
        wish(now)
        if let congestion { rateMetrics.show(congestion) }
        guard let start = begun, let first = streams.lazy.filter(\.isVideo).compactMap(\.first).min() else { return }
        firstPicture.set(Int(((first - start).seconds * 1_000).rounded()))
        begun = nil
    }

    /// Tells of another way to the peer than before.
    private func notePath(_ session: PeerSession) {
        guard let present = session.link.route, present != route else { return }
        if let route { context.handle.log(.info, "\(session.peer): media go to \(present) now, not to \(route)") }
        route = present
        ways.add()
        byTCP.set(present.connection == nil ? 0 : 100)
    }

    private func takeControl(_ protected: [UInt8], arrived: Instant, _ now: Instant) {
        guard let protections else { return }
        var bytes = protected
        let packets: [RTCPPacket]? = bytes.withUnsafeMutableBytes { room in
            guard RTPHeader.isRTCP(UnsafeRawBufferPointer(room)) else { return [] }
            guard case .packet(let count) = protections.receive.unprotect(room, count: room.count, isControl: true)
            else { return nil }
            return RTCPPacket.parse(UnsafeRawBufferPointer(rebasing: room[..<count]))
        }
        guard let packets else { return badReports.add() }
        for packet in packets { take(packet, arrived: arrived, now) }
    }

    private func take(_ packet: RTCPPacket, arrived: Instant, _ now: Instant) {
        switch packet {
        case .receiverReport(_, let blocks): note(blocks, arrived)
        case .senderReport(let report): note(report.reports, arrived)
        case .lost(_, let media, let sequences): sendAgain(sequences, of: media, now)
        case .pictureLoss, .fullIntraRequest:
            for stream in streams where stream.isVideo { stream.noteRequest(packet) }
        case .estimate(let estimate): congestion?.take(estimate, at: now)
        case .transport(let feedback): congestion?.take(feedback, at: arrived)
        default: break
        }
    }

    private func sendAgain(_ sequences: [UInt16], of media: UInt32, _ now: Instant) {
        guard let session, let stream = stream(of: media) else { return }
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
            congestion?.take(block, at: now)
        }
    }

    /// Does what another estimate than before demands, and tells why it is another. An encoder is told at once to make
    /// less, and of more each second: it is set anew each time.
    private func followRate(_ now: Instant) {
        guard let congestion else { return }
        for stream in streams { stream.follow(estimate: congestion.known) }
        if let sentence = congestion.takeNews(now: now) { context.log(.info, sentence) }
        guard congestion.isInformed else { return }
        let bits = encoder.encoder(of: congestion.bitsPerSecond)
        if let told, bits == told.bits || bits > told.bits && now - told.at < .seconds(1) { return }
        if let told, bits < told.bits {
            lowered = now
            wish(now)
        }
        told = (bits, now)
        estimate.send(Double(bits) / 1_000)
    }

    /// All that the streams would take: an encoder the most that it may make, and streams that are passed on twice what
    /// they have, so that a keyframe need not wait.
    private func wish(_ now: Instant) {
        guard let congestion, congestion.isCounting else { return }
        var (video, audio) = (0, 0)
        for stream in streams {
            if stream.isVideo {
                video += stream.bitsPerSecond > 0 ? stream.bitsPerSecond : stream.expectedRate ?? 0
            } else {
                audio += stream.bitsPerSecond
            }
        }
        congestion.wish(
            max(encoder.encoder.upperBound * 100 / encoder.encoderPercent, 2 * video) + audio,
            unheeding: isHeeded(video, now) ? 0 : video)
    }

    /// An encoder makes pictures of so many bits a second as it was told, or may do so in a moment.
    private func isHeeded(_ bits: Int, _ now: Instant) -> Bool {
        if let lowered, now - lowered < .seconds(3) { return true }
        return told.map { bits <= $0.bits + $0.bits / 3 } ?? false
    }

    private func stream(of ssrc: UInt32) -> SentStream? { streams.first { $0.ssrc == ssrc } }

    private var rateSettings: SendRate.Settings {
        var settings = SendRate.Settings()
        settings.encoderPercent = encoderPercent
        settings.encoder = min(leastRate, mostRate) * 1_000...mostRate * 1_000
        return settings
    }

    // MARK: Media

    private func leaveOut() {
        while let packet = audio.next() { leaveOut(packet) }
        while let packet = video.next() { leaveOut(packet) }
    }

    private func leaveOut(_ packet: Packet) {
        early.add()
        passOver(packet)
    }

    private func sendMedia(_ now: Instant) {
        while let packet = audio.next() { fed.audio?.send(packet, now: now) }
        while let packet = video.next() { fed.video?.send(packet, now: now) }
    }

    private func report(_ now: Instant) {
        showSent(now)
        guard let session else { return }
        notePath(session)
        guard streams.contains(where: { $0.hasBegun(now) }), reports.take(now: now) else { return }
        outgoing?.send(cname: session.cname, ssrc: streams[0].ssrc, now: now) { bytes in
            for stream in streams { stream.report(wall.ntp(at: now), now: now, to: &bytes) }
        }
    }
}
