import Holding
import Negotiation
import Net
import RTP
import SRTP
import Sluice

/// The part that nodes have in common which receive audio and video from one peer by WebRTC. Packets come in order, on
/// one line of time by the peer's reports.
///
/// Lost audio is filled from the frames that later packets carry (RED), else it is a hole between timestamps, which
/// `opus-decoder` fills. Lost packets of video are asked for again; a picture that stays broken is left out with all
/// that need it, and the peer is asked for a keyframe.
public class ReceivingNode {
    let video = Output<Packet>("video", .codedVideo([.h264, .vp8]), optional: true)
    let audio = Output<Packet>("audio", .codedAudio([.opus]), optional: true)
    let keyframe = RequestInput("keyframe", help: "Asks the peer for a keyframe, once in 500 ms at most.")
    let level = ValueOutput(
        "level_dbov", help: "The level that the peer tells of its audio in dBov: 0 is the loudest, -127 silence.")

    @Parameter(
        "jitter_ms", default: 60, range: 0...10_000, help: "The longest wait for a missing packet of audio in ms.")
    var jitter: Double
    @Parameter(
        "video_jitter_ms", default: 200, range: 0...10_000,
        help: "The longest wait for a missing packet of video in ms, which is asked for again meanwhile.")
    var videoJitter: Double
    @Live(
        "max_kbps", default: 4_000, range: 30...1_000_000,
        help: "The most bitrate that the peer may send, audio and video together, in kb/s.")
    var mostRate: Double

    private(set) var context: NodeContext!
    private(set) var session: PeerSession?
    private var inbox: NodeContext.Inbox<Coming>!
    private var receiver: PeerReceiver?
    private var protection: SRTPContext?
    private var outgoing: FeedbackSender?
    /// Pictures that the next node has no room for yet.
    private var waiting = FrameQueue(longest: .milliseconds(1_000), mostBytes: 16 << 20, isVideo: true)
    private var toldLevel = 1
    private var complaints = ReceivingComplaints()
    private var metrics: WebRTCInputMetrics!

    /// An event of one link, so that late ones of the link before are passed over.
    private struct Coming: Sendable {
        let link: ObjectIdentifier
        let event: PeerLink.Event
    }

    public required init() {}

    public static var metrics: [Metric] { WebRTCInputMetrics.declared }

    func open(_ context: NodeContext) {
        self.context = context
        metrics = WebRTCInputMetrics(context)
        inbox = context.inbox(of: Coming.self, capacity: 2_048)
        audio.latency = .init(min: .zero, max: .seconds(jitter / 1e3))
        video.latency = .init(min: .zero, max: .seconds(videoJitter / 1e3))
    }

    /// Receives from the peer of `session` from now on.
    func begin(_ session: PeerSession) {
        leave()
        (self.session, protection, outgoing) = (session, nil, nil)
        let former = receiver
        receiver = nil
        followMedia(session)
        if let former { receiver?.goOn(behind: former) }
        metrics.begin(now: context.now)
        let (inbox, link) = (inbox!, ObjectIdentifier(session.link))
        session.link.listen { inbox.post(Coming(link: link, event: $0)) }
    }

    /// Takes in what the peer sends by the last agreement.
    private func followMedia(_ session: PeerSession) {
        let received = session.media.received
        guard received.audio != nil || received.video != nil else { return }
        let wanted = PeerReceiver.Wanted(
            audio: received.audio, video: received.video, audioDelay: .seconds(jitter / 1e3),
            videoDelay: .seconds(videoJitter / 1e3), most: Int(mostRate * 1_000), isPart: session.isHeardElsewhere)
        if let receiver { return receiver.add(wanted) }
        receiver = PeerReceiver(wanted, cname: session.cname, sourceClock: context.sourceClock)
    }

    /// The peer is connected.
    func connected(_ session: PeerSession, now: Instant) {}

    /// The session is over; the peer or we have ended it where there is no sentence.
    func ended(_ session: PeerSession, _ sentence: String?, now: Instant) throws {}

    /// Ends the session.
    func leave() {
        session?.link.leave()
        session = nil
    }

    /// Does all that is to be done; more than that is the subclass's.
    func run(now: Instant) throws {
        receiver?.epoch = context.epoch
        receiver?.most = Int(mostRate * 1_000)
        while let coming = inbox.next() {
            guard let session, ObjectIdentifier(session.link) == coming.link else { continue }
            try take(coming.event, session, now)
        }
        handOn()
        guard let session, let receiver else { return }
        receiver.release(now: now) { send($0, $1) }
        handOn()
        if keyframe.take() || waiting.needsKeyframe { receiver.askKeyframe() }
        outgoing?.send(of: receiver, to: session.link, now: now)
        note(receiver, now)
        if let due = receiver.due(now: now), outgoing != nil { context.wake(at: due) }
    }

    private func take(_ event: PeerLink.Event, _ session: PeerSession, _ now: Instant) throws {
        switch event {
        case .connected(let keys):
            protection = try SRTPContext(keys.suite, key: keys.receiving, .receiving)
            outgoing = try FeedbackSender(keys)
            metrics.notePath(session.link.route)
            connected(session, now: now)
        case .datagram(let bytes, let arrival): receive(bytes, arrival)
        case .moved: metrics.notePath(session.link.route)
        case .mediaChanged: followMedia(session)
        case .ended(let sentence): try ended(session, sentence, now: now)
        }
    }

    private func receive(_ protected: [UInt8], _ arrival: Instant) {
        guard let protection, let receiver else { return }
        var bytes = protected
        bytes.withUnsafeMutableBytes { room in
            let isControl = RTPHeader.isRTCP(UnsafeRawBufferPointer(room))
            guard case .packet(let count) = protection.unprotect(room, count: room.count, isControl: isControl) else {
                return metrics.notAuthentic.add()
            }
            receiver.receive(UnsafeRawBufferPointer(rebasing: room[..<count]), now: arrival) { send($0, $1) }
        }
    }

    // MARK: Packets

    private func send(_ kind: MediaKind, _ packet: Packet) {
        guard kind == .audio else { return sendVideo(packet) }
        guard audio.hasRoom else {
            receiver?.markDiscontinuity(.audio)
            return metrics.noteDropped(.audio)
        }
        audio.send(packet)
    }

    private func sendVideo(_ packet: Packet) {
        metrics.notePicture(now: context.now)
        if waiting.isEmpty, !waiting.needsKeyframe, video.hasRoom { return video.send(packet) }
        metrics.noteDropped(.video, waiting.append(packet))
    }

    private func handOn() {
        while !waiting.isEmpty, video.hasRoom, let packet = waiting.next() { video.send(packet) }
    }

    private func note(_ receiver: PeerReceiver, _ now: Instant) {
        metrics.note(receiver, now: now)
        if let session, let sentence = complaints.take(receiver, now: now) {
            context.log(.warning, "\(session.peer): \(sentence)")
        }
        guard let told = receiver.medium(.audio)?.receiver.level?.dBov, told != toldLevel else { return }
        toldLevel = told
        level.send(Double(told))
    }
}
