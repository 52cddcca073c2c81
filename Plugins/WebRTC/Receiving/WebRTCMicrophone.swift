import Net
import RTP
import SRTP
import Sluice

/// The microphone of the viewer of a `webrtc-viewers`, in the graph itself and not in a template: it stays while
/// connections come and go. Of several viewers that of the last one is heard.
public final class WebRTCMicrophone: Node {
    public static let descriptor = NodeDescriptor(
        "webrtc-microphone", summary: "Receives the microphone of the viewer of a webrtc-viewers", traits: .live,
        example: #""microphone": { "type": "webrtc-microphone", "of": "avatar" }"#)

    let audio = Output<Packet>("audio", .codedAudio([.opus]))
    let level = ValueOutput(
        "level_dbov", help: "The level that the viewer tells of its audio in dBov: 0 is the loudest, -127 silence.")

    @Parameter("of", default: "viewer", help: "The name of the webrtc-viewers whose viewer is heard.") var name: String
    @Parameter(
        "jitter_ms", default: 60, range: 0...10_000, help: "The longest wait for a missing packet in ms.")
    var jitter: Double

    /// One viewer's.
    private struct Hearing {
        let source: ViewerMicrophones.Source
        let receiver: PeerReceiver
    }

    /// One viewer's connection, whose microphone may come and go: it is listened to once, and its keys count on.
    private struct Line {
        let link: PeerLink
        var protection: SRTPContext?
        var outgoing: FeedbackSender?
    }

    private var context: NodeContext!
    private var microphones: ViewerMicrophones!
    private var news: NodeContext.Inbox<ViewerMicrophones.News>!
    private var events: NodeContext.Inbox<(Int, PeerLink.Event)>!
    private var hearing: Hearing?
    private var line: Line?
    /// Of the one before, whose line of time goes on.
    private var former: PeerReceiver?
    private var toldLevel = 1
    private var metrics: (packets: Metric.Counter, notAuthentic: Metric.Counter, dropped: Metric.Counter)!

    public init() {}

    public static var metrics: [Metric] {
        [
            .counter("audio_packets", "Packets of audio that were handed on."),
            .counter("not_authentic", "Datagrams that SRTP refused."),
            .counter("audio_dropped", "Frames left out because the next node was busy."),
        ]
    }

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        guard let microphones = try context.service(ViewerMicrophones.self) else {
            throw NodeError("there is no way to the viewers", isInputError: true)
        }
        self.microphones = microphones
        metrics = (
            context.counter("audio_packets"), context.counter("not_authentic"), context.counter("audio_dropped")
        )
        audio.fix(PeerReceiver.opus)
        audio.latency = .init(min: .zero, max: .seconds(jitter / 1e3))
        let news = context.inbox(of: ViewerMicrophones.News.self, capacity: 64)
        self.news = news
        events = context.inbox(of: (Int, PeerLink.Event).self, capacity: 512)
        try microphones.listen(to: name) { news.post($0) }
        context.runsUntilStopped()
    }

    public func process(now: Instant) throws {
        while let one = news.next() { take(one) }
        while let (number, event) = events.next() { if number == line?.link.number { try take(event, now) } }
        guard let hearing else { return }
        hearing.receiver.epoch = context.epoch
        hearing.receiver.release(now: now) { send($1) }
        line?.outgoing?.send(of: hearing.receiver, to: hearing.source.link, now: now)
        noteLevel(hearing.receiver)
        if let due = hearing.receiver.due(now: now), line?.outgoing != nil { context.wake(at: due) }
    }

    public func close() { microphones?.leave(name) }

    private func take(_ news: ViewerMicrophones.News) {
        switch news {
        case .begins(let source):
            // The same one may begin again, with other sources.
            let delay = Interval.seconds(jitter / 1e3)
            let wanted = PeerReceiver.Wanted(audio: source.medium, video: nil, audioDelay: delay, videoDelay: delay)
            let receiver = PeerReceiver(wanted, cname: source.cname, sourceClock: context.sourceClock)
            if let former = hearing?.receiver ?? former { receiver.goOn(behind: former) }
            (hearing, former) = (Hearing(source: source, receiver: receiver), nil)
            guard line?.link !== source.link else { return }
            line = Line(link: source.link)
            let (number, events) = (source.link.number, events!)
            source.link.listen { events.post((number, $0)) }
        case .ends(let number): if hearing?.source.link.number == number { end() }
        }
    }

    private func end() {
        former = hearing?.receiver ?? former
        hearing = nil
    }

    private func take(_ event: PeerLink.Event, _ now: Instant) throws {
        switch event {
        case .connected(let keys):
            line?.protection = try SRTPContext(keys.suite, key: keys.receiving, .receiving)
            line?.outgoing = try FeedbackSender(keys)
        case .datagram(let bytes, let arrival): receive(bytes, arrival)
        case .moved, .mediaChanged: break
        case .ended:
            end()
            line = nil
        }
    }

    private func receive(_ protected: [UInt8], _ arrival: Instant) {
        guard let hearing, let protection = line?.protection else { return }
        var bytes = protected
        bytes.withUnsafeMutableBytes { room in
            let isControl = RTPHeader.isRTCP(UnsafeRawBufferPointer(room))
            let verdict = protection.unprotect(room, count: room.count, isControl: isControl)
            guard case .packet(let count) = verdict else { return metrics.notAuthentic.add() }
            hearing.receiver.epoch = context.epoch
            hearing.receiver.receive(UnsafeRawBufferPointer(rebasing: room[..<count]), now: arrival) { send($1) }
        }
    }

    private func send(_ packet: Packet) {
        guard audio.hasRoom else {
            hearing?.receiver.markDiscontinuity(.audio)
            return metrics.dropped.add()
        }
        metrics.packets.add()
        audio.send(packet)
    }

    private func noteLevel(_ receiver: PeerReceiver) {
        guard let told = receiver.medium(.audio)?.receiver.level?.dBov, told != toldLevel else { return }
        toldLevel = told
        level.send(Double(told))
    }
}
