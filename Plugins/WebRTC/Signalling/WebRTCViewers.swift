import DTLS
import HTTP
import ICE
import Negotiation
import RTP
import Sluice

/// Takes viewers by WHEP and by WebSocket and starts an instance of a template for each, which is handed the peer and
/// fed by this node's outputs.
public final class WebRTCViewers: Node {
    public static let descriptor = NodeDescriptor(
        "webrtc-viewers", summary: "Takes browsers as viewers (WHEP, WebSocket) and starts a template for each",
        traits: [.live, .shares],
        example: #""viewers": { "type": "webrtc-viewers", "template": "viewer", "name": "camera" }"#)

    let video = Input<Packet>("video", .codedVideo([.h264, .vp8]), optional: true)
    let audio = Input<Packet>("audio", .codedAudio([.opus], channels: [1, 2]), optional: true)
    let videoOut = FanOut<Packet>("video", follows: "video")
    let audioOut = FanOut<Packet>("audio", follows: "audio")

    let diagnostics = Input<DataItem>("diagnostics", .data, optional: true)
    let texts = Input<DataItem>("texts", .data, optional: true)

    let connected = ValueOutput("connected", help: "The number of viewers that are connected.")
    let reset = RequestOutput(
        "reset", help: "Asks encoders and delays to begin anew: a viewer comes while nobody else watches.")
    let feedback = RecordOutput(
        "feedback",
        [
            .init("turn_seq", help: "The turn that was watched. 0 stands for one not known."),
            .init("excess_video_lag_ms", help: "The delay of the shown video behind its audio in ms."),
            .init("jitter_buffer_delta_ms", help: "The video's jitter buffer less the audio's, in ms."),
            .init("likely", help: "1 if the video is late and the audio leads, else 0."),
        ], help: "A browser's report of its lip sync (av_sync_feedback).")

    @Parameter(
        "name", default: "viewer",
        help: "The name in the addresses: viewers open /whep/NAME, or the WebSocket /peer/NAME.")
    var name: String
    @Parameter(
        "video_codec", default: .any,
        help: "The codec of video that is not there yet: vp8 lets viewers come before it. any lets them wait for it.")
    var firstCodec: FirstCodec
    @Parameter("page", default: .whep, help: "The way that the page takes: whep or websocket.") var page: Page
    @Parameter("page_path", default: "/", help: "The path of the page on which a browser watches. Empty serves none.")
    var pagePath: String
    @Parameter(
        "template", default: "viewer", startsTemplateWith: [], help: "The template that is started for each viewer.")
    var template: String
    @Parameter(
        "microphone", default: false,
        help: "Takes the audio that viewers send. A webrtc-input in the template has it.") var takesAudio: Bool
    @Parameter(
        "camera", default: false,
        help: "Takes the video that viewers send. A webrtc-input in the template has it.") var takesVideo: Bool
    @Parameter(
        "own_audio", default: false,
        help: "Each viewer gets Opus that its template makes, and not the audio of this node.") var hasOwnAudio: Bool
    @Parameter(
        "captions", default: false,
        help: "The page shows the texts that come at texts, and those that its webrtc-output gets, as they come.")
    var showsCaptions: Bool
    @Parameter("max_viewers", default: 100, range: 1...10_000, help: "The most viewers at a time. More get 503.")
    var mostViewers: Int

    @Parameter(
        "gop_cache_ms", default: 4_000, range: 0...60_000,
        help:
            "The most video that is kept for viewers who join, from the last keyframe on, in ms. "
            + "They see it at once and catch up. 0 lets them wait for the next keyframe.")
    var cachedMilliseconds: Int
    @Parameter(
        "playout_delay_ms", default: "",
        help:
            "The least and the most delay of video that browsers are asked for, in ms: 0-0 shows pictures at once. "
            + "Empty keeps lips and voice together.") var playoutDelay: String

    enum FirstCodec: String, CaseIterable, ParameterValue.Convertible { case any, vp8 }
    enum Page: String, CaseIterable, ParameterValue.Convertible { case whep, websocket }

    private var context: NodeContext!
    private var gate: ViewerGate!
    private var signals: SignalDesk!
    private var socketEvents: SignalMailbox!
    private var toldConnected = 0
    private var requests: NodeContext.Inbox<HTTPExchange>!
    private var leases: [HTTPLease] = []
    private var desk: SessionDesk!
    private var delay: ClosedRange<Int>?
    private let line = SharedLine()
    private var offered: (video: OfferedStream, audio: OfferedStream)!
    /// When the first packet of either medium came.
    private var began: Instant?
    private var metrics: (refused: Metric.Counter, figures: [Metric.Counter], port: PortMetrics)!
    private var port: WebRTCPort!
    private var refusals = RefusalLog()

    public init() {}

    public static var metrics: [Metric] {
        [
            .counter("viewers_taken", "Viewers whose offer was answered."),
            .counter("viewers_refused", "Viewers whose offer was refused."),
        ] + BrowserFigures.all.map(\.declaration) + PortMetrics.declared
    }

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        guard video.isConnected || audio.isConnected || hasOwnAudio else {
            throw NodeError(
                "viewers get nothing: neither video nor audio is connected",
                advice: "Lead an encoder to it, or set \"own_audio\": true where the template makes the audio.",
                isInputError: true)
        }
        guard !hasOwnAudio || !audio.isConnected else {
            throw NodeError(
                "audio is connected, and \"own_audio\" says that the template makes it",
                advice: "Leave one of them out.",
                isInputError: true)
        }
        guard let http = try context.service((any HTTPService).self) else {
            throw NodeError(
                "there is no HTTP service, by which viewers come",
                advice: "Install the plugin HTTP beside this one.", isInputError: true)
        }
        guard let port = try context.service(WebRTCPort.self) else {
            throw NodeError("there is no WebRTC port", isInputError: true)
        }
        delay = try readDelay()
        self.port = port
        let cached = MediaTime.milliseconds(Int64(cachedMilliseconds))
        offered = (
            OfferedStream(line: line, cached: cached, expecting: firstCodec == .vp8 ? .vp8 : nil) { [unowned self] in
                self.context.log(.warning, $0)
            }, OfferedStream(line: line, expecting: .opus(channels: 2)) { _ in }
        )
        metrics = (
            context.counter("viewers_refused"),
            BrowserFigures.all.map { $0.isCount ? context.counter($0.metric) : context.gauge($0.metric) },
            PortMetrics(context)
        )
        gate = ViewerGate(context, port, template: template, most: mostViewers) { [unowned self] in reset.send() }
        let requests = context.inbox(of: HTTPExchange.self, capacity: 256)
        self.requests = requests
        desk = SessionDesk(.viewers, most: mostViewers)
        let socketEvents = SignalMailbox(context, sockets: mostViewers)
        self.socketEvents = socketEvents
        let handle = context.handle
        signals = SignalDesk(
            gate, self, captions: showsCaptions, microphones: microphones(try context.service(ViewerMicrophones.self)))
        leases = [
            try http.serve(WebSocketRoute(path: "/peer/\(name)", subprotocols: ["sluice"]), for: context.name) {
                !handle.isOver && socketEvents.post($0)
            },
            try http.serve(
                HTTPRoute(
                    .post, .get, path: "/whep/\(name)", exposes: SessionDesk.exposed,
                    optionsHeaders: SessionDesk.options),
                HTTPRoute(.patch, .delete, .get, path: "/whep/\(name)/{session}", exposes: SessionDesk.exposed),
                to: requests, of: context.handle),
        ]
        if showsCaptions {
            let route = HTTPRoute(.get, path: "/whep/\(name)/{session}/captions", exposes: [])
            leases.append(try http.serve(route, to: requests, of: context.handle))
        }
        if !pagePath.isEmpty {
            let text =
                page == .whep
                ? ViewerPage.html(
                    path: "/whep/\(name)", takesMicrophone: takesAudio, takesCamera: takesVideo,
                    showsCaptions: showsCaptions)
                : PeerPage.html(
                    path: "/peer/\(name)", takesMicrophone: takesAudio, takesCamera: takesVideo,
                    showsCaptions: showsCaptions)
            leases.append(
                try http.serve([HTTPContent(pagePath, type: "text/html; charset=utf-8", text)], for: context.name))
        }
        // Viewers begin with what is cached.
        (videoOut.beginsAtKeyframe, audioOut.beginsAtKeyframe) = (false, false)
        context.runsUntilStopped()
        let watching = pagePath.isEmpty ? "open" : "open \(http.address)\(pagePath) in a browser, or"
        context.log(.info, "\(watching) \(http.address)/whep/\(name) in a WHEP player")
    }

    public func process(now: Instant) throws {
        while let packet = audio.next() {
            send(packet, by: offered.audio, now)
            audioOut.send(packet)
        }
        while let packet = video.next() {
            send(packet, by: offered.video, now)
            videoOut.send(packet)
        }
        port.flush()
        while let item = diagnostics.next() { signals.tell(SignalText.diagnostic(item.fields)) }
        while let text = texts.next() { if showsCaptions { gate.caption(text, now: now) } }
        // One at a time: media do not wait for many answers.
        if let exchange = requests.next() {
            answer(exchange)
            context.wakeAgain()
        }
        while let event = socketEvents.next() { signals.take(event, now: now) }
        while let news = gate.news() { signals.take(news, now: now) }
        signals.advance(now: now)
        if signals.due < .distantFuture { context.wake(at: signals.due) }
        metrics.port.show(port.counts)
        guard gate.connected != toldConnected else { return }
        toldConnected = gate.connected
        connected.send(Double(toldConnected))
    }

    public func close() {
        for lease in leases { lease.end() }
        // No edge tells them that the stream has ended.
        gate?.stopAll()
    }

    /// To those whose template has no edge for it.
    private func send(_ packet: Packet, by stream: OfferedStream, _ now: Instant) {
        began = began ?? now
        stream.note(packet)
        guard let shared = stream.stream else { return }
        shared.audience.send(shared.frame(of: packet, now: now), now: now)
    }

    private func readDelay() throws -> ClosedRange<Int>? {
        guard !playoutDelay.isEmpty else { return nil }
        let ends = playoutDelay.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard ends.count == 2, let least = ends[0], let most = ends[1], 0 <= least, least <= most, most <= 40_950 else {
            throw NodeError(
                "playout_delay_ms \"\(playoutDelay)\" is no span",
                advice: "Write the least and the greatest delay in ms, 40950 at most: 0-0, or 20-200.",
                isInputError: true)
        }
        return least...most
    }

    // MARK: Viewers

    private func microphones(_ all: ViewerMicrophones?) -> () -> ViewerMicrophones.Line? {
        { [name] in all?[name] }
    }

    private func answer(_ exchange: HTTPExchange) {
        if showsCaptions, exchange.request.path.hasSuffix("/captions") { return caption(exchange) }
        switch desk.read(exchange.request, of: name) {
        case .answer(let response): exchange.answer(response)
        case .leave(let viewer):
            context.log(.info, "\(viewer.instance.name) has left")
            gate.leave(viewer.link)
            exchange.answer(HTTPResponse(200))
        case .change(let number, let fragment):
            exchange.answer(
                desk.change(number, fragment, candidates: gate.candidates) {
                    gate.restart($0, local: $1, remoteFragment: $2)
                })
        case .join(let offer): join(offer, exchange)
        }
    }

    /// Of one viewer alone: its session's address is a word that nobody guesses.
    private func caption(_ exchange: HTTPExchange) {
        guard let session = desk.session(exchange.request.names["session"]) else {
            exchange.answer(.refusal(404, "There is no such session: it has ended, or never was."))
            return
        }
        exchange.answer(session.link.captions.response())
    }

    private func join(_ offer: String, _ exchange: HTTPExchange) {
        let peer = exchange.request.peer
        do throws(WHEPRefusal) {
            try gate.checkRoom()
            let answer = try ViewerAnswer(to: offer, try streams(), candidates: gate.candidates)
            let (link, instance) = try gate.admit(answer.transport) { answer.session($0, peer: peer) }
            refusals.forget(peer)
            exchange.answer(
                desk.add(
                    instance, link, name: name, remoteFragment: answer.transport.remoteFragment, answer: answer.text,
                    links: gate.links))
        } catch {
            metrics.refused.add()
            if refusals.isNew(error.words, for: peer) {
                context.log(.warning, "\(peer) is refused (\(error.status)): \(error.words)")
            }
            exchange.answer(error.response)
        }
    }

    /// The streams that viewers are offered now. Throws where the codec is not known yet. A medium that has not begun
    /// 2 s behind the other one is left out.
    private func streams() throws(WHEPRefusal) -> ViewerAnswer.Streams {
        let (video, audio) = (
            self.video.isConnected ? offered.video.track : nil, self.audio.isConnected ? offered.audio.track : nil
        )
        if self.video.isConnected, video == nil, began.map({ context.now - $0 < .seconds(2) }) ?? true {
            throw WHEPRefusal(503, "The video of \(name) has not begun: try again soon.", ["Retry-After": "1"])
        }
        var streams = ViewerAnswer.Streams(
            video: video, audio: audio, takesAudio: takesAudio, takesVideo: takesVideo, playoutDelay: delay)
        if hasOwnAudio {
            let stream = SharedStream(.opus, limit: PeerSession.payloadLimit, line: SharedLine())
            streams.audio = .init(codec: .opus(channels: 2), stream: stream)
        }
        return streams
    }
}

extension WebRTCViewers: SignalHost {
    func welcome(_ guest: SignalGuest) throws -> (tracks: [OfferedTrack], incoming: ViewerOffer.Incoming) {
        let streams = try streams()
        return (
            streams.tracks,
            ViewerOffer.Incoming(takesAudio: takesAudio, videoCodecs: takesVideo ? [.vp8, .h264] : [])
        )
    }

    func tracks(for guest: SignalGuest) -> [OfferedTrack]? { nil }
    func parameters(for guest: SignalGuest) -> [String: ParameterValue] { [:] }
    func begin(_ guest: SignalGuest) {}
    func end(_ guest: SignalGuest) {}
    func log(_ level: EventLog.Level, _ text: String) { context.handle.log(level, text) }

    func take(_ news: SignalDesk.News, of guest: SignalGuest) {
        switch news {
        case .feedback(let seen):
            feedback.send([
                "turn_seq": Double(seen.turn), "excess_video_lag_ms": seen.excessVideoLag,
                "jitter_buffer_delta_ms": seen.jitterBufferDelta, "likely": seen.isVideoLate ? 1 : 0,
            ])
        case .stats(let told):
            for (metric, (figure, value)) in zip(metrics.figures, zip(BrowserFigures.all, told.values)) {
                if let value { metric.set(Int((value * figure.scale).rounded())) }
            }
        case .mute, .answered: break
        }
    }
}
