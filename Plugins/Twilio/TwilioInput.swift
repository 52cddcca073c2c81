import Holding
import Sluice

/// A caller's voice: the Media Stream of a call, in order and without holes, as µ-law. Its time is the call's, from 0
/// on. No interruption makes it stale, since it is of no epoch: the caller who interrupts a reply is heard from the
/// first word on, in one piece.
///
/// With `template` it takes calls at the HTTP port and starts an instance of that template for each; there a
/// `twilio-input` without `template` has what its caller says, and ends with the call.
public final class TwilioInput: Node {
    public static let descriptor = NodeDescriptor(
        "twilio-input", summary: "Takes telephone calls by Twilio's Media Streams, and what their callers say",
        example: #""calls": { "type": "twilio-input", "template": "call" }"#)

    let audio = Output<Packet>(
        "audio", .codedAudio([.pcmu], rates: [8_000], channels: [1]), optional: true)
    let events = Output<DataItem>("events", .data([CallEvents.schema]), optional: true)

    @Parameter(
        "template", default: "", startsTemplateWith: ["name"],
        help: "The template of which each call gets an instance. It has a parameter \"name\", which is the CallSid.")
    var template: String
    @Parameter(
        "path", default: "/twilio",
        help: "The path: PATH/voice answers Twilio's webhook with TwiML, PATH/stream is the WebSocket of the media.")
    var path: String
    @Parameter(
        "url", default: "",
        help: "The address by which Twilio reaches the HTTP port, as https://example.org. Empty takes that of requests."
    )
    var url: String
    @Parameter(
        "auth_token", default: "",
        help: "The account's auth token, by which X-Twilio-Signature is checked. Empty checks none.")
    var token: String
    @Parameter(
        "max_calls", default: 100, range: 1...10_000, help: "The most calls at a time. More are told that it is busy.")
    var most: Int
    @Parameter(
        "jitter_ms", default: 60, range: 0...10_000,
        help: "The longest wait for a missing chunk in ms. Then silence stands in its place.")
    var jitter: Double
    @Parameter(
        "hold_ms", default: 10_000, range: 0...600_000,
        help: "The longest wait of audio while the next node is busy, in ms. Then the oldest is left out.")
    var hold: Double

    /// Takes calls, where there is a template.
    private var reception: CallReception?
    private var context: NodeContext!
    private var call: TwilioCall?
    private var name = ""
    private var metrics: CallMetrics!
    private var pool = Pool<Packet>()
    private var waiting = FrameQueue(longest: .seconds(10), mostBytes: 1 << 20, isVideo: false)
    private var news: [DataItem] = []
    private var time = MediaTime.zero
    private var isEnded = false

    private static let format = MediaFormat(
        codec: .pcmu, audio: AudioLayout(nil, rate: 8_000, channels: 1), bitrate: 64_000)
    private static let mostEvents = 64

    public init() {}

    public static var metrics: [Metric] { CallMetrics.declared }

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        guard template.isEmpty else {
            guard !audio.isConnected, !events.isConnected else {
                throw NodeError(
                    "its calls go to instances of template \"\(template)\", and edges leave it here",
                    advice: "Put a twilio-input without \"template\" into the template, and the edges there.",
                    isInputError: true)
            }
            reception = try CallReception(
                .init(
                    template: template, path: path, url: url, token: token, most: most,
                    jitter: .seconds(jitter / 1e3)), context)
            return
        }
        guard let call = context.resource as? TwilioCall, let start = call.start else {
            throw NodeError(
                "it has no call", advice: "Put it into a template that a twilio-input with \"template\" starts.",
                isInputError: true)
        }
        (self.call, name) = (call, start.call)
        metrics = CallMetrics(context)
        waiting = FrameQueue(longest: .seconds(hold / 1e3), mostBytes: 8 << 20, isVideo: false)
        audio.fix(TwilioInput.format)
        events.fix(CallEvents.format)
        audio.latency = .init(min: .zero, max: .seconds(jitter / 1e3))
        let parameters = start.parameters.sorted { $0.key < $1.key }.map {
            JSONValue.Member($0.key, .init(.string($0.value)))
        }
        note("started", [.init("parameters", .init(.object(parameters)))])
        call.listen(context.handle)
        context.log(.info, "\(call.peer) brings a call")
    }

    public func process(now: Instant) {
        if let reception {
            reception.step(now)
            if reception.due < .distantFuture { context.wake(at: reception.due) }
            return
        }
        guard let call else { return }
        let wake = read(call, now)
        handOn()
        if isEnded, isEmpty { return context.finish() }
        if let wake { context.wake(at: wake) }
    }

    /// All that has come is sent.
    public func finish(now: Instant) -> Bool {
        guard let call else { return true }
        read(call, now)
        if !isEnded { note("ended") }
        isEnded = true
        handOn()
        return isEmpty
    }

    public func close() {
        reception?.close()
        call?.hangUp()
    }

    private var isEmpty: Bool { waiting.isEmpty && news.isEmpty }

    @discardableResult
    private func read(_ call: TwilioCall, _ now: Instant) -> Instant? {
        let wake = call.read(now: now)
        for event in call.takeHeard() {
            switch event {
            case .audio(let piece): metrics.dropped.add(waiting.append(packet(piece, now)))
            case .digit(let key): note("key", [.init("key", .init(.string(key)))])
            default: break
            }
        }
        for sentence in call.takeTells() { context.log(.warning, "\(call.peer): \(sentence)") }
        metrics.note(call)
        if !isEnded, let ending = call.ending {
            isEnded = true
            note("ended")
            tell(ending, call)
        }
        return wake
    }

    private func tell(_ ending: TwilioCall.Ending, _ call: TwilioCall) {
        switch ending {
        case .stopped, .closed(1_000), .closed(1_001): context.log(.info, "the call has ended")
        case .closed(let code): context.log(.warning, "\(call.peer) has gone without a word (\(code))")
        case .refused(let sentence): context.log(.warning, "\(call.peer) is refused: \(sentence)")
        }
    }

    private func packet(_ piece: ChunkOrder.Piece, _ now: Instant) -> Packet {
        let packet = pool.take(TwilioInput.format, count: piece.bytes.count)
        packet.mutableBytes.copyBytes(from: piece.bytes)
        packet.header.pts = MediaTime(piece.position, timescale: 8_000)
        packet.header.dts = packet.header.pts
        packet.header.duration = MediaTime(Int64(piece.bytes.count), timescale: 8_000)
        packet.header.captured = now
        packet.header.sourceClock = context.sourceClock
        packet.header.flags = piece.isNew ? [.keyframe, .discontinuity] : .keyframe
        time = packet.header.pts + packet.header.duration
        return packet
    }

    private func note(_ event: String, _ more: [JSONValue.Member] = []) {
        guard events.isConnected, news.count < TwilioInput.mostEvents else { return }
        news.append(CallEvents.item(event, call: name, at: time, more))
    }

    private func handOn() {
        while !waiting.isEmpty, audio.hasRoom, let packet = waiting.next() {
            metrics.packets.add()
            audio.send(packet)
        }
        while !news.isEmpty, events.hasRoom {
            events.send(news.removeFirst())
        }
    }
}
