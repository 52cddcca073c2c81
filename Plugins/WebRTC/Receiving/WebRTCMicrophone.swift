import Bitstream
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
        let stream: ReceivedStream
        var protection: SRTPContext?
    }

    private var context: NodeContext!
    private var microphones: ViewerMicrophones!
    private var news: NodeContext.Inbox<ViewerMicrophones.News>!
    private var events: NodeContext.Inbox<(Int, PeerLink.Event)>!
    private var hearing: Hearing?
    private var pool = Pool<Packet>()
    private var timeline = ReceiveTimeline(clockRates: [48_000], reference: 0)
    private var marksDiscontinuity = false
    private var toldLevel = 1
    private let format = MediaFormat(
        codec: .opus, audio: AudioLayout(nil, rate: 48_000, channels: 2),
        configuration: OpusHead(channels: 2).bytes)
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
        audio.fix(format)
        audio.latency = .init(min: .zero, max: .seconds(jitter / 1e3))
        let news = context.inbox(of: ViewerMicrophones.News.self, capacity: 64)
        self.news = news
        events = context.inbox(of: (Int, PeerLink.Event).self, capacity: 512)
        try microphones.listen(to: name) { news.post($0) }
        context.runsUntilStopped()
    }

    public func process(now: Instant) throws {
        while let one = news.next() { take(one) }
        while let (number, event) = events.next() { if number == hearing?.source.link.number { try take(event, now) } }
        guard let hearing else { return }
        hearing.stream.receiver.release(now: now) { send($0) }
        hearing.stream.sendFeedback(now: now, to: hearing.source.link)
        noteLevel(hearing.stream)
        if let due = hearing.stream.due(now: now) { context.wake(at: due) }
    }

    public func close() { microphones?.leave(name) }

    private func take(_ news: ViewerMicrophones.News) {
        switch news {
        case .begins(let source):
            // The same one may begin again, with other sources.
            hearing = Hearing(
                source: source,
                stream: ReceivedStream(source.medium, delay: .seconds(jitter / 1e3), cname: source.cname))
            restartTimeline()
            let (number, events) = (source.link.number, events!)
            source.link.listen { events.post((number, $0)) }
        case .ends(let number): if hearing?.source.link.number == number { hearing = nil }
        }
    }

    private func restartTimeline() {
        timeline.restart(stream: 0, clockRate: 48_000)
        marksDiscontinuity = true
    }

    private func take(_ event: PeerLink.Event, _ now: Instant) throws {
        switch event {
        case .connected(let keys):
            hearing?.protection = try SRTPContext(keys.suite, key: keys.receiving, .receiving)
            try hearing?.stream.connect(keys)
        case .datagram(let bytes, let arrival): receive(bytes, arrival)
        case .ended: hearing = nil
        }
    }

    private func receive(_ protected: [UInt8], _ arrival: Instant) {
        guard let hearing, let protection = hearing.protection else { return }
        var bytes = protected
        bytes.withUnsafeMutableBytes { room in
            let isControl = RTPHeader.isRTCP(UnsafeRawBufferPointer(room))
            let verdict = protection.unprotect(room, count: room.count, isControl: isControl)
            guard case .packet(let count) = verdict else { return metrics.notAuthentic.add() }
            let packet = UnsafeRawBufferPointer(rebasing: room[..<count])
            guard !isControl else { return hearing.stream.takeReports(packet, now: arrival) }
            hearing.stream.receiver.receive(packet, now: arrival, restarted: { restartTimeline() }, { send($0) })
        }
    }

    private func send(_ frame: ReceivedFrame) {
        let duration = MediaTime(Int64(frame.samples), timescale: 48_000)
        let place = timeline.place(frame.timestamp, stream: 0, arrival: frame.arrival, duration: duration)
        guard audio.hasRoom else {
            marksDiscontinuity = true
            return metrics.dropped.add()
        }
        let packet = pool.take(format, count: frame.bytes.count)
        packet.mutableBytes.copyMemory(from: frame.bytes)
        packet.header.pts = place.time
        packet.header.dts = place.time
        packet.header.duration = duration
        packet.header.captured = frame.arrival
        packet.header.epoch = context.epoch
        packet.header.sourceClock = context.sourceClock
        packet.header.flags = marksDiscontinuity || place.isRestarted ? [.keyframe, .discontinuity] : .keyframe
        marksDiscontinuity = false
        metrics.packets.add()
        audio.send(packet)
    }

    private func noteLevel(_ stream: ReceivedStream) {
        guard let told = stream.receiver.level?.dBov, told != toldLevel else { return }
        toldLevel = told
        level.send(Double(told))
    }
}
