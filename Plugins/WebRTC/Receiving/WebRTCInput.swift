import Bitstream
import Net
import RTP
import SRTP
import Sluice

/// The audio that the peer of its session sends by WebRTC: a microphone. Packets come in order; what is lost is filled
/// from the frames that later packets carry (RED), else it is a hole between timestamps, which `opus-decoder` fills.
public final class WebRTCInput: Node {
    public static let descriptor = NodeDescriptor(
        "webrtc-input", summary: "Receives audio from the WebRTC peer of its session", traits: .live,
        example: #""microphone": { "type": "webrtc-input" }"#)

    let audio = Output<Packet>("audio", .codedAudio([.opus]), optional: true)
    let level = ValueOutput(
        "level_dbov", help: "The level that the peer tells of its audio in dBov: 0 is the loudest, -127 silence.")

    @Parameter(
        "jitter_ms", default: 60, range: 0...10_000, help: "The longest wait for a missing packet in ms.")
    var jitter: Double

    private var context: NodeContext!
    private var session: PeerSession!
    private var inbox: NodeContext.Inbox<PeerLink.Event>!
    private var stream: ReceivedStream?
    private var protection: SRTPContext?
    private var pool = Pool<Packet>()
    private var timeline = ReceiveTimeline(clockRates: [48_000], reference: 0)
    private var marksDiscontinuity = false
    private var toldLevel = 1
    private let format = MediaFormat(
        codec: .opus, audio: AudioLayout(nil, rate: 48_000, channels: 2),
        configuration: OpusHead(channels: 2).bytes)
    private var metrics: Metrics!

    private struct Metrics {
        let packets, lost, filled, late, notAuthentic, dropped, jitter: Metric.Counter

        init(_ context: NodeContext) {
            packets = context.counter("audio_packets")
            lost = context.counter("audio_lost")
            filled = context.counter("audio_filled")
            late = context.counter("audio_late")
            notAuthentic = context.counter("not_authentic")
            dropped = context.counter("audio_dropped")
            jitter = context.gauge("audio_jitter_us")
        }
    }

    public init() {}

    public static var metrics: [Metric] {
        [
            .counter("audio_packets", "Packets of audio that came."),
            .counter("audio_lost", "Packets of audio that never came."),
            .counter("audio_filled", "Frames of audio that came with later packets (RED)."),
            .counter("audio_late", "Packets that came when they were no longer waited for."),
            .counter("not_authentic", "Datagrams that SRTP refused."),
            .counter("audio_dropped", "Frames left out because the next node was busy."),
            .gauge("audio_jitter_us", "The jitter between arrivals (RFC 3550)."),
        ]
    }

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        guard let session = context.resource as? PeerSession else {
            throw NodeError(
                "it has no peer", advice: "Put it into a template that webrtc-viewers starts.", isInputError: true)
        }
        self.session = session
        metrics = Metrics(context)
        guard let received = session.receivedAudio else { return audio.markAbsent() }
        audio.fix(format)
        audio.latency = .init(min: .zero, max: .seconds(jitter / 1e3))
        stream = ReceivedStream(received, delay: .seconds(jitter / 1e3), cname: session.cname)
        let inbox = context.inbox(of: PeerLink.Event.self, capacity: 512)
        self.inbox = inbox
        session.link.listen { inbox.post($0) }
    }

    public func process(now: Instant) throws {
        while let event = inbox?.next() { try take(event, now) }
        guard let stream else { return }
        stream.receiver.release(now: now) { send($0) }
        stream.sendFeedback(now: now, to: session.link)
        note(stream)
        if let due = stream.due(now: now) { context.wake(at: due) }
    }

    private func take(_ event: PeerLink.Event, _ now: Instant) throws {
        switch event {
        case .connected(let keys):
            protection = try SRTPContext(keys.suite, key: keys.receiving, .receiving)
            try stream?.connect(keys)
        case .datagram(let bytes, let arrival): receive(bytes, arrival)
        // The one that sends says why.
        case .ended: context.finish()
        }
    }

    private func receive(_ protected: [UInt8], _ arrival: Instant) {
        guard let protection, let stream else { return }
        var bytes = protected
        bytes.withUnsafeMutableBytes { room in
            let isControl = RTPHeader.isRTCP(UnsafeRawBufferPointer(room))
            let verdict = protection.unprotect(room, count: room.count, isControl: isControl)
            guard case .packet(let count) = verdict else { return metrics.notAuthentic.add() }
            let packet = UnsafeRawBufferPointer(rebasing: room[..<count])
            guard !isControl else { return stream.takeReports(packet, now: arrival) }
            stream.receiver.receive(
                packet, now: arrival,
                restarted: {
                    timeline.restart(stream: 0, clockRate: 48_000)
                    marksDiscontinuity = true
                }, { send($0) })
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
        audio.send(packet)
    }

    private func note(_ stream: ReceivedStream) {
        let counts = stream.receiver.counts
        metrics.packets.set(counts.packets)
        metrics.lost.set(counts.lost)
        metrics.filled.set(counts.filled)
        metrics.late.set(counts.late)
        metrics.jitter.set(Int(stream.receiver.statistics.jitter.nanoseconds / 1_000))
        guard let told = stream.receiver.level?.dBov, told != toldLevel else { return }
        toldLevel = told
        level.send(Double(told))
    }
}
