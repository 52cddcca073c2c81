import Sluice

/// Receives MPEG-TS over SRT and hands on the first video and the first audio stream of a program, each packet as soon
/// as its last byte is there. Times are the sender's. After a loss, and at the start, video begins with a keyframe.
///
/// With `template` it listens for many callers and starts an instance of that template for each; there an `srt-input`
/// without `url` receives what its caller sends, and ends with it.
public final class SRTInput: SRTNode, Node {
    public static let descriptor = NodeDescriptor(
        "srt-input", summary: "Receives MPEG-TS over SRT", traits: .live,
        example: #""in": { "type": "srt-input", "url": "srt://:8890", "streamid": "camera" }"#)

    let video = Output<Packet>("video", .codedVideo(SRTOutput.videoCodecs), optional: true)
    let audio = Output<Packet>("audio", .codedAudio(SRTOutput.audioCodecs), optional: true)

    @Parameter(
        "reconnect", default: true,
        help: "Connects again after a connection ends or a call fails. "
            + "With false a failed call is an error, and the end of the connection ends the stream.")
    var reconnects: Bool
    @Parameter(
        "second_caller", default: SecondCaller.refuse,
        help: "Refuses a second publisher when it listens, or lets it take over from the first one.")
    var secondCaller: SecondCaller

    @Parameter(
        "template", default: "", startsTemplateWith: ["name"],
        help: "The template of which each caller gets an instance. "
            + "It has a parameter \"name\". The node then listens for many.")
    var template: String
    @Parameter("max_callers", default: 100, range: 1...10_000, help: "The most callers at a time, with template.")
    var most: Int

    @Parameter(
        "max_unit_kb", default: 4_096, range: 64...65_536,
        help: "The largest picture, or packet of audio, that is put together, in KiB. A larger one is lost.")
    var unitLimit: Int

    @Parameter(
        "program", default: 0, range: 0...65_535,
        help: "The number of the program to receive if the stream carries several. 0 takes the first one.")
    var program: Int

    @Parameter(
        "hold_ms", default: 10_000, range: 0...600_000,
        help: "The longest wait of packets while the next node is busy, in ms. Then the oldest are left out.")
    var hold: Int
    @Parameter(
        "hold_kb", default: 65_536, range: 64...1_048_576,
        help: "The most memory of the packets of a stream that wait, in KiB.")
    var mostHeld: Int

    private var context: NodeContext!
    /// One of the three: a connection of its own, callers for templates, or the caller of this instance.
    private var link: SRTLink?
    private var acceptor: CallAcceptor?
    private var call: SRTCall?
    private var receiver: TSReceiver!
    private var statistics: SRTStatistics!
    private var nextStatistics = Instant(nanoseconds: 0)

    /// The connection has ended and is read to its end.
    private var drainsUntil: Instant?
    /// The node has read the last of it.
    private var isRead = false
    /// The graph stops: what has arrived by then is read until this time.
    private var readsUntil: Instant?

    /// Datagrams so far, since when no more came, and whether that was noted.
    private var heard = (count: Int64(0), at: Instant(nanoseconds: 0), isSilent: false)

    /// A caller that has sent nothing for so long does not keep another one out.
    private static let silence = Interval.milliseconds(2_000)
    private static let drainLook = Interval.milliseconds(5)
    /// A latency that is longer than this does not hold the end.
    private static let longestEnd = Interval.seconds(2)
    static let statisticsPeriod = Interval.milliseconds(500)

    public init() {
        super.init(
            url: Parameter(
                "url", default: "",
                help:
                    "The address: srt://:PORT listens, srt://HOST:PORT calls, &mode=rendezvous meets. "
                    + "Empty in a template takes the caller that it was started for."
            ),
            streamID: Parameter(
                "streamid", default: "",
                help: "The name of the stream that it asks for, or that callers must give. One in the url counts first."
            ))
    }

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        if url.isEmpty { return try receiveCaller() }
        let settings = try self.settings()
        settings.tell(context)
        context.runsUntilStopped()
        let takesOver = secondCaller == .takeOver
        guard template.isEmpty else {
            guard !video.isConnected && !audio.isConnected else {
                throw NodeError(
                    "its media go to instances of template \"\(template)\", and edges leave it here",
                    advice: "Put an srt-input without \"url\" into the template, and the edges there.",
                    isInputError: true)
            }
            acceptor = try CallAcceptor(
                settings, template: template, takesOver: takesOver, most: most, mostHandshakes: mostHandshakes,
                context: context)
            return
        }
        makeReceiver()
        link = try SRTLink(
            settings, direction: .read, takesOver: takesOver, mostHandshakes: mostHandshakes, reconnects: reconnects,
            context: context)
    }

    private func receiveCaller() throws {
        guard let call = context.resource as? SRTCall else {
            throw NodeError(
                "it has no url, and was started for no caller",
                advice: "Give \"url\", or start its template by an srt-input with \"template\".", isInputError: true)
        }
        self.call = call
        heard.at = context.now
        makeReceiver()
        SRTPoller.shared.watch(call.socket.handle, context.handle)
        receiver.begin(call.peer, context.now)
    }

    private func makeReceiver() {
        receiver = TSReceiver(
            context, video: video, audio: audio, unitLimit: unitLimit << 10, program: program,
            hold: (.milliseconds(Int64(hold)), mostHeld << 10))
        statistics = SRTStatistics(context)
    }

    public func process(now: Instant) throws {
        var due = Instant.distantFuture
        if let acceptor {
            try acceptor.step(now)
            due = acceptor.due
        }
        if let link {
            switch try link.step(now) {
            case .up:
                heard.at = now
                receiver.begin(link.peerName, now)
            case .replaced:
                endConnection(isCut: true)
                receiver.begin(link.peerName, now)
            case .nothing: break
            }
            due = link.due
        }
        receiver?.release()
        if let socket { due = min(due, try receive(from: socket, now)) }
        if due < .distantFuture { context.wake(at: due) }
    }

    private var socket: SRTSocket? { call?.socket ?? link?.socket }

    /// When there is something to do next that no event tells.
    private func receive(from socket: SRTSocket, _ now: Instant) throws -> Instant {
        let result = receiver.receive(from: socket, now)
        if now >= nextStatistics {
            note()
            noteSilence(now)
            nextStatistics = now + SRTInput.statisticsPeriod
        }
        switch result {
        case .goesOn: return nextStatistics
        case .refused(let why):
            try refuse(why, now)
            return .distantFuture
        case .ended: break
        }
        // The datagrams that libsrt holds back for the latency can be read after the end, each at its time.
        let until =
            drainsUntil ?? now + .milliseconds(Int64(socket.receiveLatencyMilliseconds)) + SRTInput.drainLook * 2
        drainsUntil = until
        guard now >= until else { return now + SRTInput.drainLook }
        note()
        endConnection()
        guard reconnects, let link else {
            if let call { context.log(.info, "\(call.peer) ended the connection") }
            isRead = true
            context.finish()
            return .distantFuture
        }
        try link.drop("ended the connection", now)
        return .distantFuture
    }

    /// The nodes behind cannot take the peer's media: its connection ends, not the run. `why` follows its name.
    private func refuse(_ why: String, _ now: Instant) throws {
        note()
        endConnection(isCut: true)
        if let link { return try link.drop("\(why): its connection is refused", isRefusal: true, now) }
        if let call { context.log(.warning, "\(call.peer) \(why): its connection is refused") }
        isRead = true
        context.finish()
    }

    /// - Parameter isCut: it ended by this side's will, and what was under way is not whole.
    private func endConnection(isCut: Bool = false) {
        receiver.end(isCut: isCut)
        drainsUntil = nil
        heard = (0, context.now, false)
        statistics.nextConnection()
    }

    private func noteSilence(_ now: Instant) {
        guard let count = socket?.statistics?.pktRecvTotal else { return }
        if count != heard.count { (heard.count, heard.at) = (count, now) }
        let isSilent = now - heard.at >= SRTInput.silence
        guard isSilent != heard.isSilent else { return }
        heard.isSilent = isSilent
        link?.note(silent: isSilent)
        call?.note(silent: isSilent)
    }

    private func note() {
        if let all = socket?.statistics { statistics.note(all) }
        receiver?.note()
    }

    public func finish(now: Instant) throws -> Bool {
        if let until = readOn(now) {
            context.wake(at: until)
            return false
        }
        if let receiver, !receiver.release() { return false }
        note()
        leave(now)
        return true
    }

    /// Media that have arrived when the graph stops lie in libsrt until their time. Tells when to look again; nil where
    /// all is read.
    private func readOn(_ now: Instant) -> Instant? {
        guard !isRead, let socket else { return nil }
        let latency = Interval.milliseconds(Int64(socket.receiveLatencyMilliseconds))
        let until = readsUntil ?? now + min(latency, SRTInput.longestEnd) + SRTInput.drainLook
        readsUntil = until
        if case .goesOn = receiver.receive(from: socket, now), now < until {
            return min(until, now + SRTInput.drainLook)
        }
        isRead = true
        note()
        endConnection()
        receiver.release()
        return nil
    }

    private func leave(_ now: Instant) {
        link?.close(now)
        acceptor?.close(now)
        if let call {
            SRTPoller.shared.unwatch(call.socket.handle)
            call.leave()
        }
        (link, acceptor, call) = (nil, nil, nil)
    }

    public func close() {
        leave(context?.now ?? Instant(nanoseconds: 0))
        receiver = nil
    }
}
