import LibAV
import MPEGTS
import Sluice
import Synchronization

/// Sends packets as MPEG-TS over SRT: calls, listens or meets, and goes on doing so for ever.
///
/// Packets go out as they come, each at once: MPEG-TS orders nothing across its streams, and waiting for the other one
/// would only add delay. A connection begins with a video keyframe; `keyframe` asks for one. Media pass by
/// while there is no connection, so that a live source is never held; only before the first connection they wait, as
/// long as `hold_ms` says.
///
/// As a listener it serves any number of readers. The transport stream is made once and sent to each (`Readers`).
public final class SRTOutput: SRTNode, Node {
    public static let descriptor = NodeDescriptor(
        "srt-output", summary: "Sends packets as MPEG-TS over SRT", traits: .live,
        example: #""out": { "type": "srt-output", "url": "srt://host:9000?streamid=publish:demo" }"#)

    static let videoCodecs: [MediaFormat.Codec] = [.h264, .init("hevc"), .init("mpeg2video")]
    static let audioCodecs: [MediaFormat.Codec] = [
        .opus, .aac, .init("mp3"), .init("mp2"), .init("ac3"), .init("eac3"),
    ]

    let video = Input<Packet>("video", .codedVideo(SRTOutput.videoCodecs), optional: true)
    let audio = Input<Packet>("audio", .codedAudio(SRTOutput.audioCodecs), optional: true)
    let keyframe = RequestOutput("keyframe", help: "Asks for a keyframe when a connection begins in mid-stream.")

    @Parameter(
        "peer_timeout_ms", default: 1_500, range: 200...60_000,
        help: "The time after which a peer that acknowledges nothing is given up and called again, in ms.")
    var peerTimeout: Int
    @Parameter(
        "reconnect", default: true,
        help: "Connects again after a connection ends or a call fails. With false either is an error.")
    var reconnects: Bool
    @Parameter(
        "hold_ms", default: 3_000, range: 0...3_600_000,
        help: "The longest wait of media for the first connection, in ms. "
            + "Later they are left out while there is none.")
    var hold: Int
    @Parameter(
        "send_buffer_ms", default: 1_000, range: 50...60_000,
        help: "The most media that may wait for the network, in ms. Beyond that they are dropped to a keyframe.")
    var sendBuffer: Int
    @Parameter(
        "max_wait_ms", default: 2_000, range: 0...60_000,
        help: "The longest wait for a silent stream at the start, in ms. Then the other goes on alone.")
    var maxWait: Int
    @Parameter(
        "second_caller", default: SecondReader.serve,
        help: "Serves a second reader too when it listens, refuses it, or lets it take over from the first one.")
    var secondCaller: SecondReader
    @Parameter("max_readers", default: 100, range: 1...10_000, help: "The most readers at a time when it listens.")
    var mostReaders: Int

    enum SecondReader: String, CaseIterable, ParameterValue.Convertible {
        case serve, refuse
        case takeOver = "take-over"
    }

    private var context: NodeContext!
    private var link: SRTLink!
    private var gate: SendGate!
    private var peerWatch: PeerWatch!
    private var statistics: SRTStatistics!
    private var metrics: OutputMetrics!
    private var sink: SRTSink?
    private var feed: TSFeed!
    /// As a listener for any number of readers; then there is no `link`.
    private var readers: Readers?
    private var began: Instant?
    private var wasUp = false
    /// A picture went by since the last keyframe was asked for.
    private var wentBy = false
    private var nextLook = Instant(nanoseconds: 0)
    private var lastSaidCongested: Instant?
    private var ending = SendEnding()
    private let isInterrupted = Atomic<Bool>(false)

    /// How often statistics are looked at.
    private static let look = Interval.milliseconds(100)
    /// How often a full send buffer is tried again besides its events.
    private static let retry = Interval.milliseconds(5)

    public init() {
        super.init(
            url: Parameter(
                "url", help: "The address: srt://HOST:PORT?streamid=…&latency=… (ms) calls, srt://:PORT listens."),
            streamID: Parameter(
                "streamid", default: "",
                help: "The name by which the peer knows the stream. One in the url counts first."))
    }

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        guard video.isConnected || audio.isConnected else {
            throw NodeError("nothing is sent: neither video nor audio is connected", isInputError: true)
        }
        gate = SendGate(bound: .milliseconds(Int64(sendBuffer)))
        peerWatch = PeerWatch(patience: .milliseconds(Int64(peerTimeout)))
        metrics = OutputMetrics(context)
        statistics = SRTStatistics(context)
        let settings = try self.settings()
        settings.tell(context)
        feed = TSFeed(video: video, audio: audio, patience: .milliseconds(Int64(maxWait)), context)
        if settings.address.mode == .listener, secondCaller == .serve, reconnects {
            readers = try Readers(
                settings, most: mostReaders, mostHandshakes: mostHandshakes, sendBuffer: sendBuffer,
                peerTimeout: .milliseconds(Int64(peerTimeout)), feed: feed, context
            ) { [keyframe] in keyframe.send() }
            return
        }
        link = try SRTLink(
            settings, direction: .publish, takesOver: secondCaller == .takeOver, mostHandshakes: mostHandshakes,
            reconnects: reconnects, context: context)
    }

    // MARK: Every call

    public func process(now: Instant) throws {
        if began == nil { began = now }
        if let readers { return try serve(readers, now) }
        switch try link.step(now) {
        case .up: connect(now)
        case .replaced:
            disconnect()
            connect(now)
        case .nothing: break
        }
        if link.socket != nil { try send(now) }
        if link.socket == nil { letGoBy(now) }
        arrangeWake(now)
    }

    private func serve(_ readers: Readers, _ now: Instant) throws {
        try readers.step(now)
        if !readers.isEmpty { wasUp = true } else { letGoBy(now) }
        if !isHolding(now) { readers.goesOnWithoutReaders() }
        var due = readers.due
        if isHolding(now), let began { due = min(due, began + .milliseconds(Int64(hold))) }
        if due < .distantFuture { context.wake(at: max(due, now)) }
    }

    private func arrangeWake(_ now: Instant) {
        var due = link.due
        if link.socket != nil { due = min(due, nextLook) }
        if let sink, !sink.isEmpty { due = min(due, now + SRTOutput.retry) }
        if feed.sender == nil, link.socket != nil { due = min(due, feed.due) }
        if isHolding(now), let began { due = min(due, began + .milliseconds(Int64(hold))) }
        if due < .distantFuture { context.wake(at: max(due, now)) }
    }

    private func isHolding(_ now: Instant) -> Bool {
        !wasUp && !context.isStopping && !isInterrupted.load(ordering: .relaxed)
            && now < (began ?? now) + .milliseconds(Int64(hold))
    }

    /// Without a connection.
    private func letGoBy(_ now: Instant) {
        guard !isHolding(now) else { return }
        for input in [video, audio] {
            while let packet = input.next() { noteDropped(packet, .unconnected) }
        }
    }

    private func noteDropped(_ packet: Packet, _ why: SendGate.Verdict) {
        metrics.dropped(why).add()
        if packet.format.kind == .codedVideo { wentBy = true }
    }

    // MARK: Connections

    private func connect(_ now: Instant) {
        guard let socket = link.socket else { return }
        wasUp = true
        sink = SRTSink(socket)
        feed.begin()
        nextLook = now + SRTOutput.look
        peerWatch = PeerWatch(patience: peerWatch.patience)
        // Nothing is asked for where the media held begin with a keyframe.
        if wentBy || video.peek().map({ !$0.header.flags.contains(.keyframe) }) == true { askForKeyframe() }
    }

    private func askForKeyframe() {
        wentBy = false
        keyframe.send()
    }

    private func disconnect() {
        gate.close()
        feed.end()
        sink = nil
        statistics.nextConnection()
    }

    private func lose(_ why: String, _ now: Instant) throws {
        note()
        disconnect()
        try link.drop(why, now)
    }

    // MARK: Sending

    private func send(_ now: Instant) throws {
        if now >= nextLook { try lookAtPeer(now) }
        guard let sink else { return }
        sink.drain()
        if sink.isEmpty, try open(now), let sender = feed.sender {
            while sink.isEmpty, let (track, input, format) = feed.oldest {
                guard sender.goesOn(with: format, of: track) else {
                    return try lose("is told of \(format) by a new connection", now)
                }
                guard let packet = input.next() else { break }
                let verdict = gate.judge(packet)
                guard verdict == .pass else {
                    noteDropped(packet, verdict)
                    continue
                }
                let captured = packet.header.captured
                sink.begin(age: captured.nanoseconds > 0 ? now - captured : .zero)
                do { try sender.write(packet, of: track) } catch {
                    if sink.isBroken { break }
                    throw NodeError("MPEG-TS refuses a packet: \(error)")
                }
                metrics.sent.add()
                if track == .video { context.mark("mux", pts: packet.header.pts) }
            }
        }
        if sink.isBroken { try lose("ended the connection", now) }
    }

    /// True when the tables are written.
    private func open(_ now: Instant) throws -> Bool {
        guard let sink else { return false }
        let isNew = feed.sender == nil
        do { guard try feed.open(to: sink, now) else { return false } } catch {
            if sink.isBroken { return false }
            throw error
        }
        if isNew { gate.open(hasVideo: feed.hasVideo) }
        return true
    }

    private func lookAtPeer(_ now: Instant) throws {
        nextLook = now + SRTOutput.look
        guard let all = link.socket?.statistics else { return }
        note()
        let silence = peerWatch.note(
            acknowledged: Int(all.pktRecvACKTotal), waiting: Int(all.pktSndBuf), roundTrip: .seconds(all.msRTT / 1_000),
            at: now)
        if let silence { return try lose("has acknowledged nothing for \(seconds(silence))", now) }
        switch gate.note(waiting: .milliseconds(Int64(all.msSndBuf))) {
        case .none: break
        case .congested:
            metrics.congestions.add()
            // A network that is too thin says so again and again.
            guard lastSaidCongested.map({ now - $0 > .milliseconds(10_000) }) ?? true else { break }
            lastSaidCongested = now
            context.log(
                .warning,
                "\(all.msSndBuf) ms of media wait to be acknowledged by \(link.address.peer), \(sendBuffer) may: dropping to the next keyframe\n  The network takes less than is sent: lower the bitrate."
            )
        case .relieved: askForKeyframe()
        }
    }

    private func note() { if let all = link.socket?.statistics { statistics.note(all) } }

    // MARK: The end

    public func finish(now: Instant) throws -> Bool {
        if let readers { return try finish(readers, now) }
        if link.socket != nil { try process(now: now) }
        defer { if ending.isOver { link.close(now) } }
        guard let socket = link.socket, let sink, !isInterrupted.load(ordering: .relaxed) else {
            if !wasUp { try sayNobody("\(link.address.peer) never answered", "\(link.address.peer) answered") }
            ending.isOver = true
            return true
        }
        try? feed.sender?.finish()
        feed.end()
        gate.close()
        sink.drain()
        let isDone = ending.step(
            unacknowledged: socket.unacknowledged + (sink.isEmpty ? 0 : 1),
            latency: .milliseconds(Int64(socket.sendLatencyMilliseconds)), at: now)
        guard isDone || sink.isBroken else {
            context.wake(at: now + SRTOutput.retry)
            return false
        }
        note()
        let (sent, again) = (statistics.count("packets_sent_unique"), statistics.count("packets_retransmitted"))
        context.log(.info, "sent \(sent) datagrams to \(link.address.peer), \(again) retransmitted")
        return true
    }

    private func finish(_ readers: Readers, _ now: Instant) throws -> Bool {
        try serve(readers, now)
        guard wasUp else {
            try sayNobody("nobody has called \(readers.name)", "somebody called \(readers.name)")
            return true
        }
        guard readers.finish(now), !isInterrupted.load(ordering: .relaxed) else {
            context.wake(at: now + SRTOutput.retry)
            return isInterrupted.load(ordering: .relaxed)
        }
        return true
    }

    /// The media are over, and there was never a connection.
    private func sayNobody(_ what: String, _ awaited: String) throws {
        guard context.isStopping else {
            throw NodeError(
                "\(what): nothing was sent",
                advice: "Start the other side first, or let the media wait longer: \"hold_ms\".")
        }
        context.log(.warning, "the graph stopped before \(awaited): nothing was sent")
    }

    public func interrupt() { isInterrupted.store(true, ordering: .relaxed) }

    public func close() {
        feed?.end()
        sink = nil
        link?.close(context.now)
        readers?.close(context.now)
        (link, readers) = (nil, nil)
    }
}
