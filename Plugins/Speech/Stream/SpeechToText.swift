import Sluice

/// Writes down what is said: audio in, data of the schema `transcript` out.
///
/// An utterance ends with a fence, a discontinuity, a hole of more than a second, the request `finalize`, the end of
/// the stream, or after 30 s. Fed by `voice-activity`'s `speech` every utterance is one of that node's. Each utterance
/// that began with a text ends with a final one.
public final class SpeechToText: Node {
    public static let descriptor = NodeDescriptor(
        "stt-stream", summary: "Writes down what is said",
        example: #""stt": { "type": "stt-stream", "partials_ms": 500 }"#)

    let input = Input<AudioFrame>("in", .rawAudio)
    let text = Output<DataItem>("text", .data([Transcript.schema]))
    let finalize = RequestInput(
        "finalize", help: "Ends the utterance that goes on, so that its final text comes without another wait.")

    @Parameter(
        "providers", default: "local",
        help: "Those that write, the first that works. local is Whisper within the process.")
    var providers: String
    @Parameter(
        "model", default: "",
        help: "A ggml file of Whisper, for local. Empty takes tiny.en, which tools/setup --speech fetches.")
    var model: String
    @Parameter(
        "language", default: "",
        help: "The language as its code, as en or ko. Empty lets a multilingual model guess, which short clips mislead."
    )
    var language: String
    @Parameter(
        "partials_ms", default: 0, range: 0...10_000,
        help: "The audio in ms from one partial text to the next. 0 sends final texts alone.")
    var partials: Double
    @Parameter("session", default: "", help: "The session that texts are said to belong to.")
    var session: String
    @Parameter("speaker", default: "", help: "The speaker that texts are said to be of.")
    var speaker: String

    static let longestHole = MediaTime.seconds(1)
    static let longest = 30 * SpeechSamples.rate
    /// The bit of a clock that `NodeContext.unpacedClock` sets.
    static let unpaced: UInt16 = 1 << 15
    /// For finals behind the end of the stream, from the last text on.
    static let patience = Interval.seconds(5)

    private var context: NodeContext!
    private var provider: (any SpeechProvider)!
    private var metrics: SpeechMetrics!
    private let audio = SpeechSamples()
    private var timeline = AudioFrame.Timeline()
    private var layout: AudioLayout?
    private var count = 0
    /// Those that have no final yet, the oldest first. The last one may go on.
    private var open: [OpenUtterance] = []
    private var isOpen = false
    private var deadline: Instant?
    private var lastEpoch: UInt32 = 0
    private var saysBehind = false
    private var isLive = true

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        text.fix(Transcript.format)
        metrics = SpeechMetrics(context)
        let names = providers.split(separator: ",").map { $0.split(separator: " ").joined(separator: " ") }
        guard names == ["local"] else {
            throw NodeError(
                "providers is \"\(providers)\"", advice: "Give \"local\": other providers are not there yet.",
                isInputError: true)
        }
        guard let engine = try context.service((any SpeechEngine).self) else {
            throw NodeError("no plugin provides speech", advice: "Add one to the plugin path.", isInputError: true)
        }
        let inbox = context.isVirtual ? nil : context.inbox(of: ProviderEvent.self, capacity: 1_024)
        var settings = LocalProvider.Settings()
        (settings.language, settings.partials) = (language, partials)
        provider = try engine.local(model: model, settings, inbox: inbox)
    }

    public func process(now: Instant) throws {
        answer(now)
        if finalize.take() { end(now) }
        // A file waits while utterances are written; what lives goes on, and what cannot be written is said.
        while provider.hasRoom || isLive, let frame = input.next() {
            try take(frame, now)
            if input.takeFence() { end(now) }
        }
        if input.takeFence() { end(now) }
        answer(now)
    }

    public func finish(now: Instant) throws -> Bool {
        end(now)
        answer(now)
        guard !open.isEmpty else { return true }
        let limit = deadline ?? now + SpeechToText.patience
        deadline = limit
        if now >= limit, isLive {
            for index in open.indices { if let last = open[index].timedOut() { send(last, open[index]) } }
            for utterance in open { miss(utterance, "no final text came within 5 s of the end") }
            open.removeAll()
            return true
        }
        if isLive { context.wake(at: limit) }
        return false
    }

    public func close() { provider?.close() }

    // MARK: Audio

    private func take(_ frame: AudioFrame, _ now: Instant) throws {
        let header = frame.header
        isLive = header.sourceClock & SpeechToText.unpaced == 0
        if try !continues(frame) {
            end(now)
            try audio.reset()
            let start = header.pts.isKnown ? header.pts : timeline.isStarted ? timeline.end : .zero
            timeline = AudioFrame.Timeline(start: start, rate: max(1, frame.layout.rate))
            layout = frame.layout
        }
        lastEpoch = header.epoch
        timeline.advance(frame.sampleCount)
        try audio.append(frame)
        hear(header, now)
    }

    /// The frame goes on with the utterance; a short hole is silence.
    private func continues(_ frame: AudioFrame) throws -> Bool {
        let header = frame.header
        guard isOpen, layout == frame.layout, header.epoch == lastEpoch, !header.flags.contains(.discontinuity) else {
            return false
        }
        guard !timeline.isContinued(by: header) else { return true }
        let hole = header.pts - timeline.end
        guard hole >= .zero, hole <= SpeechToText.longestHole else { return false }
        timeline.advance(Int(hole.rescaled(to: Int64(timeline.rate))))
        audio.append(zeros: Int(hole.rescaled(to: Int64(SpeechSamples.rate))))
        return true
    }

    private func hear(_ header: MediaItem.Header, _ now: Instant) {
        let new = audio.samples
        audio.removeFirst(new.count)
        var rest = new[...]
        while !rest.isEmpty {
            if !isOpen { begin(header, before: rest.count) }
            let room = SpeechToText.longest - open[open.count - 1].heard
            let part = rest.prefix(room)
            provider.hear(part)
            open[open.count - 1].heard += part.count
            metrics.heard.add(part.count / 16)
            rest = rest.dropFirst(part.count)
            if part.count == room { end(now) }
        }
    }

    private func begin(_ header: MediaItem.Header, before count: Int) {
        self.count += 1
        let start = timeline.end - MediaTime(Int64(count), timescale: Int64(SpeechSamples.rate))
        open.append(
            OpenUtterance(
                id: self.count, start: max(start, timeline.start), epoch: header.epoch, captured: header.captured))
        isOpen = true
        provider.begin(self.count)
    }

    private func end(_ now: Instant) {
        guard isOpen else { return }
        isOpen = false
        open[open.count - 1].ended = now
        metrics.utterances.add()
        provider.finalize()
    }

    // MARK: Text

    private func answer(_ now: Instant) {
        while let event = provider.next() {
            deadline = nil
            guard let index = open.firstIndex(where: { $0.id == event.utterance }) else { continue }
            let template = Transcript(session: session, speaker: speaker, provider: provider.name)
            switch event {
            case .partial(_, let written):
                guard !written.words.isEmpty else { continue }
                send(open[index].transcript(written, isFinal: false, template), open[index])
            case .final(_, let written):
                let hadText = open[index].last != nil
                let final = open[index].transcript(written, isFinal: true, template)
                if hadText || !written.words.isEmpty { send(final, open[index]) }
                metrics.note(open[index], written, now)
                remove(index)
            case .failed(_, let why):
                close(index, why)
            case .unwritten:
                close(index, "speech comes faster than it can be written")
            }
        }
        context.isWaiting(for: isOpen || open.isEmpty ? nil : "\(provider.name) to write")
    }

    /// Without a final: the last partial is it.
    private func close(_ index: Int, _ why: String) {
        if let last = open[index].timedOut() { send(last, open[index]) }
        miss(open[index], why)
        remove(index)
    }

    /// A provider may end an utterance of its own accord: audio behind it is another one's.
    private func remove(_ index: Int) {
        if isOpen, index == open.count - 1 {
            isOpen = false
            metrics.utterances.add()
        }
        open.remove(at: index)
    }

    private func miss(_ utterance: OpenUtterance, _ why: String) {
        metrics.unwritten.add(Int(utterance.seconds * 1_000))
        guard utterance.seconds >= 2 || !saysBehind else { return }
        saysBehind = true
        let (start, length) = (tenths(utterance.start.seconds), tenths(utterance.seconds))
        context.log(.warning, "\(length) s of speech at \(start) s stay unwritten: \(why)")
    }

    private func tenths(_ seconds: Double) -> String {
        let value = Int((seconds * 10).rounded())
        return "\(value < 0 ? "-" : "")\(abs(value) / 10).\(abs(value) % 10)"
    }

    private func send(_ transcript: Transcript, _ utterance: OpenUtterance) {
        let item = transcript.item
        item.header.epoch = utterance.epoch
        item.header.captured = utterance.captured
        (transcript.isFinal ? metrics.finals : metrics.partials).add()
        text.send(item)
    }
}
