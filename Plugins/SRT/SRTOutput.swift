import CLibAV
import Glibc
import LibAV
import Sluice
import Synchronization

/// Sends packets as MPEG-TS over SRT to a listener that it calls.
///
/// Packets go out as they come, each at once: MPEG-TS orders nothing across its streams, and waiting for the other one
/// would only add delay. A connection begins with a video keyframe; `keyframe` asks for one.
public final class SRTOutput: Node {
    public static let descriptor = NodeDescriptor(
        "srt-output", summary: "Sends packets as MPEG-TS over SRT to a listener", work: .blocking, traits: .live,
        example: #""out": { "type": "srt-output", "url": "srt://host:9000?streamid=publish:demo" }"#)

    static let videoCodecs: [Codec] = [.h264, Codec("hevc"), Codec("mpeg2video")]
    static let audioCodecs: [Codec] = [.opus, .aac, Codec("mp3"), Codec("mp2"), Codec("ac3")]

    let video = Input<Packet>("video", .codedVideo(SRTOutput.videoCodecs), optional: true)
    let audio = Input<Packet>("audio", .codedAudio(SRTOutput.audioCodecs), optional: true)
    let keyframe = RequestOutput("keyframe", help: "asked when a connection begins in mid-stream")

    @Parameter("url", help: "srt://HOST:PORT?streamid=…&latency=… (ms)") var url: String
    @Parameter(
        "latency_ms", default: 120, range: 1...60_000,
        help: "time for retransmission; the peer's counts if it is larger")
    var latency: Int
    @Parameter("streamid", default: "", help: "what the listener knows the stream by; one in the url counts first")
    var streamID: String
    @Parameter("passphrase", default: "", help: "10 to 79 bytes; encrypts with AES; one in the url counts first")
    var passphrase: String
    @Parameter("connect_timeout_ms", default: 3_000, range: 100...600_000, help: "then the call fails") var timeout: Int
    @Parameter(
        "max_wait_ms", default: 2_000, range: 0...60_000,
        help: "how long a stream that is silent is waited for at the start before the other goes on alone")
    var maxWait: Int

    private var context: NodeContext!
    private var address: SRTAddress!
    private var socket: SRTSocket?
    private var sink: SRTSink!
    private var muxer: Muxer?
    private var streams: [(input: Input<Packet>, format: MediaFormat)] = []
    private var stage = Stage.idle
    private var waitingSince: Instant?
    private var awaitsKeyframe = true
    private var nextStatistics = Instant(nanoseconds: 0)
    private var endsAt: Instant?
    private let isInterrupted = Atomic<Bool>(false)
    private var metrics: Metrics!

    private enum Stage { case idle, connecting, sending, abandoned }

    private struct Metrics {
        let roundTrip, sent, retransmitted, lost, dropped, late: CounterMetric
        init(_ context: NodeContext) {
            roundTrip = context.counter("rtt_us")
            sent = context.counter("datagrams")
            retransmitted = context.counter("retransmitted")
            lost = context.counter("lost")
            dropped = context.counter("too_late")
            late = context.counter("before_keyframe")
        }
    }

    /// How often a connection that is being made, or a full send buffer, is looked at.
    private static let look = Interval.milliseconds(5)

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        guard video.isConnected || audio.isConnected else {
            throw NodeError("nothing is sent: neither video nor audio is connected", isInputError: true)
        }
        address = try SRTAddress(url)
        if address.latencyMilliseconds == nil { address.latencyMilliseconds = latency }
        if address.streamID == nil && !streamID.isEmpty { address.streamID = streamID }
        if address.passphrase == nil && !passphrase.isEmpty { address.passphrase = passphrase }
        metrics = Metrics(context)
    }

    // MARK: Connecting

    public func process(now: Instant) throws {
        if stage == .idle {
            context.isWaiting(for: "its peer \(address.peer)")
            socket = try SRTSocket(address, timeoutMilliseconds: timeout)
            stage = .connecting
        }
        if stage == .connecting { try connect(now) }
        if stage == .sending { try send(now) }
        if stage == .abandoned { for input in [video, audio] { while input.next() != nil {} } }
    }

    private func connect(_ now: Instant) throws {
        switch socket!.state {
        case .connected:
            context.isWaiting(for: nil)
            sink = SRTSink(socket!)
            stage = .sending
            keyframe.send()
            context.log(.info, "connected to \(address.peer), latency \(socket!.latencyMilliseconds) ms")
        case .broken(let what):
            context.isWaiting(for: nil)
            throw NodeError(
                "\(address.peer) \(what)",
                advice: what == "does not answer"
                    ? "Start the listener first, check its address, or set \"on_error\": \"restart\" to call again."
                    : "")
        case .connecting:
            guard !context.isStopping && !isInterrupted.load(ordering: .relaxed) else {
                context.log(.warning, "the graph stopped before \(address.peer) answered: nothing was sent")
                context.isWaiting(for: nil)
                stage = .abandoned
                socket = nil
                return
            }
            context.wake(at: now + SRTOutput.look)
        }
    }

    // MARK: Sending

    private func send(_ now: Instant) throws {
        try flushSink(now)
        guard sink.isEmpty, try open(now) else { return }
        while sink.isEmpty, let (input, packet) = next() { try write(packet, from: input) }
        try flushSink(now)
        if now >= nextStatistics { note(now) }
    }

    /// What the send buffer did not take waits here, and the inputs wait with it.
    private func flushSink(_ now: Instant) throws {
        sink.drain()
        if sink.isBroken { throw lost() }
        if !sink.isEmpty { context.wake(at: now + SRTOutput.look) }
    }

    private func lost() -> NodeError {
        NodeError(
            "the connection to \(address.peer) was lost", advice: "Set \"on_error\": \"restart\" to call again.")
    }

    /// The older of both heads: nothing is waited for.
    private func next() -> (Input<Packet>, Packet)? {
        let (picture, sound) = (video.peek(), audio.peek())
        let isVideoFirst = picture != nil && (sound == nil || picture!.header.dts <= sound!.header.dts)
        let oldest = isVideoFirst ? video : audio
        guard picture != nil || sound != nil, let packet = oldest.next() else { return nil }
        return (oldest, packet)
    }

    /// True when the header is written, which needs the format of every stream.
    private func open(_ now: Instant) throws -> Bool {
        if muxer != nil { return true }
        let inputs = [video, audio].filter { $0.isConnected && !($0.isEnded && $0.peek() == nil) }
        let formats = inputs.map { input in input.peek()?.format ?? input.format }
        guard formats.contains(where: { $0 != nil }) else { return false }
        if formats.contains(where: { $0 == nil }) {
            let since = waitingSince ?? now
            waitingSince = since
            guard now - since >= .milliseconds(Int64(maxWait)) else {
                context.wake(at: since + .milliseconds(Int64(maxWait)))
                return false
            }
            context.log(.warning, "a stream sent nothing for \(maxWait) ms: going on without it")
        }
        // The length of a video PES lets a receiver hand a picture on without waiting for the next one.
        let muxer = try Muxer(container: "mpegts", options: ["omit_video_pes_length": "0"], to: sink)
        muxer.writesThrough = true
        for (input, format) in zip(inputs, formats) {
            guard let format else { continue }
            do { try muxer.add(format) } catch {
                throw NodeError("MPEG-TS refuses \(format): \(error)", isInputError: true)
            }
            streams.append((input, format))
        }
        do { try muxer.open() } catch {
            throw sink.isBroken ? lost() : NodeError("MPEG-TS refuses its streams: \(error)")
        }
        awaitsKeyframe = streams.contains { $0.format.kind == .codedVideo }
        self.muxer = muxer
        return true
    }

    private func write(_ packet: Packet, from input: Input<Packet>) throws {
        guard let muxer, let stream = streams.firstIndex(where: { $0.input === input }) else { return }
        if input.formatChanged && streams[stream].format != packet.format {
            throw NodeError(
                "\(input.spec.name) changed from \(streams[stream].format) to \(packet.format), which the receiver is not told of",
                advice: "Keep one format, or set \"on_error\": \"restart\" to call anew with the new one.")
        }
        if awaitsKeyframe {
            guard packet.format.kind == .codedVideo && packet.header.flags.contains(.keyframe) else {
                metrics.late.add()
                return
            }
            awaitsKeyframe = false
        }
        do { try muxer.write(packet, stream: stream) } catch {
            throw sink.isBroken ? lost() : NodeError("MPEG-TS refuses a packet: \(error)")
        }
    }

    private func note(_ now: Instant) {
        nextStatistics = now + .milliseconds(500)
        guard let now = socket?.statistics else { return }
        metrics.roundTrip.set(now.roundTripMicroseconds)
        metrics.sent.set(now.sent)
        metrics.retransmitted.set(now.retransmitted)
        metrics.lost.set(now.lost)
        metrics.dropped.set(now.dropped)
    }

    // MARK: The end

    /// Waits until the peer has acknowledged everything, then as long as it holds packets back: a receiver drops what it
    /// has not handed out when the connection closes.
    public func finish(now: Instant) throws -> Bool {
        try process(now: now)
        guard stage == .sending, let socket, !isInterrupted.load(ordering: .relaxed) else {
            return stage != .connecting
        }
        if let muxer {
            try muxer.finish()
            sink.drain()
        }
        muxer = nil
        let latency = Interval.milliseconds(Int64(socket.latencyMilliseconds))
        if endsAt == nil { endsAt = now + latency + .milliseconds(2_000) }
        if socket.unacknowledged == 0 && sink.isEmpty && !isAcknowledged {
            isAcknowledged = true
            endsAt = min(endsAt!, now + latency)
        }
        guard now < endsAt!, !sink.isBroken else {
            note(now)
            let count = metrics.sent.count
            context.log(
                .info, "sent \(count) datagrams to \(address.peer), \(metrics.retransmitted.count) retransmitted")
            return true
        }
        context.wake(at: now + SRTOutput.look)
        return false
    }

    private var isAcknowledged = false

    public func interrupt() { isInterrupted.store(true, ordering: .relaxed) }

    public func close() {
        context?.isWaiting(for: nil)
        muxer = nil
        sink = nil
        socket = nil
    }
}
