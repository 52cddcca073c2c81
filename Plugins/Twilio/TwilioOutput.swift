import Sluice

/// The voice back to a caller: 160 bytes of µ-law each 20 ms, on the graph's clock, by the Media Stream of its
/// session's call.
///
/// A raised epoch takes back what Twilio has not played yet (`clear`). Marks tell what was played.
public final class TwilioOutput: Node {
    public static let descriptor = NodeDescriptor(
        "twilio-output", summary: "Speaks to the caller of its session by Twilio's Media Streams",
        traits: [.paced], example: #""reply": { "type": "twilio-output" }"#)

    let input = Input<Packet>("in", .codedAudio([.pcmu], rates: [8_000], channels: [1]))
    let interrupt = RequestInput(
        "interrupt", help: "Raises the epoch of the session, so that what is being said to the caller ends at once.")
    let playedTime = ValueOutput(
        "played_ms", help: "The audio in ms that the caller's side has played, as the last mark tells.")

    @Parameter(
        "hang_up", default: true, help: "Ends the call when the input has ended and all of it was played.")
    var hangsUp: Bool
    @Parameter(
        "interrupted", default: .continue,
        help: "The way on behind an interruption: continue says what comes next, end says nothing more, as a greeting.")
    var whenInterrupted: WhenInterrupted

    enum WhenInterrupted: String, CaseIterable, ParameterValue.Convertible { case `continue`, end }

    private var context: NodeContext!
    private var call: TwilioCall!
    private var stream = ""
    private var voice = PacedVoice()
    private var epoch: UInt32 = 0
    private var deadline: Instant?
    private var isSilenced = false
    private var counts:
        (
            frames: Metric.Counter, marks: Metric.Counter, returned: Metric.Counter, clears: Metric.Counter,
            played: Metric.Counter, late: Metric.Histogram
        )!

    /// For the last mark to come back.
    static let patience = Interval.seconds(2)

    public init() {}

    public static var metrics: [Metric] {
        [
            .counter("frames_sent", "Frames of 20 ms that were sent."),
            .counter("marks_sent", "Marks that were sent."),
            .counter("marks_returned", "Marks that have come back."),
            .counter("clears", "Interruptions that took back what was not played yet."),
            .gauge("played_ms", "The audio in ms that the caller's side has played, as the last mark tells."),
            .histogram("late_us", "The delay of each frame behind its time in µs."),
        ]
    }

    public func prepare(_ context: NodeContext) throws {
        guard let call = context.resource as? TwilioCall, let start = call.start else {
            throw NodeError(
                "it has no call", advice: "Put it into a template that a twilio-input with \"template\" starts.",
                isInputError: true)
        }
        (self.context, self.call, stream, epoch) = (context, call, start.stream, context.epoch)
        counts = (
            context.counter("frames_sent"), context.counter("marks_sent"), context.counter("marks_returned"),
            context.counter("clears"), context.gauge("played_ms"), context.histogram("late_us")
        )
        call.speak(context.handle)
    }

    public func process(now: Instant) { work(now) }

    /// The rest is said, and played.
    public func finish(now: Instant) -> Bool {
        work(now)
        guard call.ending == nil, call.socket.isOpen else { return leave() }
        guard input.isEnded, voice.isEmpty else { return false }
        guard !voice.isPlayed else { return leave() }
        let limit = deadline ?? now + TwilioOutput.patience
        deadline = limit
        guard now < limit else { return leave() }
        context.wake(at: limit)
        return false
    }

    public func close() {}

    private func leave() -> Bool {
        if hangsUp { call.hangUp() }
        return true
    }

    private func work(_ now: Instant) {
        call.read(now: now)
        for name in call.takeMarks() {
            counts.returned.add()
            guard voice.returned(name) else { continue }
            let milliseconds = voice.played * 20
            counts.played.set(milliseconds)
            playedTime.send(Double(milliseconds))
        }
        if interrupt.take() { context.raiseEpoch() }
        if context.epoch != epoch {
            epoch = context.epoch
            voice.clear()
            isSilenced = whenInterrupted == .end
            if call.socket.send(TwilioText.clear(stream: stream)) { counts.clears.add() }
        }
        guard call.ending == nil, call.socket.isOpen, !isSilenced else { return drain() }
        speak(now)
        guard let wake = voice.wake else { return }
        if context.isAhead { context.wake(at: wake) } else { context.wake(aheadOf: wake) }
    }

    /// Nobody hears it, or is to hear it, any more.
    private func drain() {
        voice.clear()
        while input.next() != nil {}
    }

    private func speak(_ now: Instant) {
        while true {
            while voice.wantsBytes, let packet = input.next() {
                voice.append(packet.bytes)
                if input.takeFence() { voice.endUtterance() }
            }
            if input.takeFence() || input.isEnded { voice.endUtterance() }
            guard let item = voice.next(now: now) else { return }
            switch item {
            case .frame(let bytes):
                call.socket.send(TwilioText.media(bytes, stream: stream))
                counts.frames.add()
                counts.late.record(Int(voice.lateness.nanoseconds / 1_000))
                context.isBehind(by: voice.lateness)
            case .mark(let name):
                call.socket.send(TwilioText.mark(name, stream: stream))
                counts.marks.add()
            }
        }
    }
}
