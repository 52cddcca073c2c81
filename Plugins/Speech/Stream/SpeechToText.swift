import Sluice

/// Writes down what is said: audio in, data of the schema `transcript` out.
///
/// An utterance ends with a fence, a discontinuity, a hole of more than a second, the request `finalize`, the end of
/// the stream, after 30 s in the process, or where a provider on the network finds its end. Fed by `voice-activity`'s
/// `speech` every utterance is one of that node's. Each utterance that began with a text ends with a final one.
public final class SpeechToText: Node {
    public static let descriptor = NodeDescriptor(
        "stt-stream", summary: "Writes down what is said",
        example: #""stt": { "type": "stt-stream", "partials_ms": 500 }"#)

    let input = Input<AudioFrame>("in", .rawAudio)
    let text = Output<DataItem>("text", .data([Transcript.schema]))
    let gaps = Output<AudioFrame>("gaps", .rawAudio, optional: true)
    let finalize = RequestInput(
        "finalize", help: "Ends the utterance that goes on, so that its final text comes without another wait.")

    @Parameter(
        "providers", default: "",
        help:
            "Those that write, the first that works: local (Whisper in the process), rtzr, deepgram, vosk, openai. "
            + "Empty is openai where openai_url is given, else local.")
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
        help: "The audio in ms from one partial text of local to the next. 0 sends final texts alone.")
    var partials: Double
    @Parameter("session", default: "", help: "The session that texts are said to belong to.")
    var session: String
    @Parameter("speaker", default: "", help: "The speaker that texts are said to be of.")
    var speaker: String
    @Parameter(
        "channels", default: "",
        help: "The names of the audio's channels, with commas: each is written by itself, with its name as speaker.")
    var channels: String
    @Parameter(
        "warm", default: 0, range: 0...64,
        help:
            "The number of connections that are kept open for the next streams of the process, as for callers to come.")
    var warm: Int
    @Parameter("rtzr_client_id", default: "", help: "The client ID that RTZR has given. Let it be a secret.")
    var rtzrClientID: String
    @Parameter("rtzr_client_secret", default: "", help: "The client secret that RTZR has given. Let it be a secret.")
    var rtzrClientSecret: String
    @Parameter("rtzr_url", default: "https://openapi.vito.ai", help: "The address of RTZR, up to its host and port.")
    var rtzrURL: String
    @Parameter(
        "rtzr_encoding", default: .linear,
        help: "The form in which audio goes to RTZR, of which the others take half as many bytes.")
    var rtzrEncoding: RTZRAudio.Encoding
    @Parameter(
        "rtzr_sample_rate", default: SpeechSamples.rate, range: 8_000...48_000,
        help: "The samples a second that go to RTZR: 16000, at which speech is heard here, or 8000.")
    var rtzrRate: Int
    @Parameter("rtzr_model", default: "", help: "RTZR's model_name, as sommers_ko. Empty leaves it to RTZR.")
    var rtzrModel: String
    @Parameter("rtzr_domain", default: "", help: "RTZR's domain, as CALL. Empty leaves it to RTZR.")
    var rtzrDomain: String
    @Parameter("use_itn", default: "", help: "RTZR writes numbers as digits: true or false. Empty leaves it to RTZR.")
    var usesITN: String
    @Parameter(
        "use_disfluency_filter", default: "",
        help: "RTZR leaves out sounds of hesitation: true or false. Empty leaves it to RTZR.")
    var usesDisfluencyFilter: String
    @Parameter(
        "use_profanity_filter", default: "", help: "RTZR masks profanity: true or false. Empty leaves it to RTZR.")
    var usesProfanityFilter: String
    @Parameter("use_punctuation", default: "", help: "RTZR writes punctuation: true or false. Empty leaves it to RTZR.")
    var usesPunctuation: String
    @Parameter(
        "epd_time_s", default: 0, range: 0...10,
        help: "The silence in s with which RTZR ends an utterance by itself. 0 leaves it to RTZR.")
    var endOfSpeech: Double
    @Parameter(
        "noise_threshold", default: 0, range: 0...1,
        help: "The level below which RTZR takes sound for noise. 0 leaves it to RTZR.")
    var noiseThreshold: Double
    @Parameter(
        "active_threshold", default: 0, range: 0...1,
        help: "The level from which RTZR takes sound for speech. 0 leaves it to RTZR.")
    var activeThreshold: Double
    @Parameter(
        "keywords", default: "",
        help: "Words that providers should know, with commas between them; a weight may follow behind a colon.")
    var keywords: String
    @Parameter("deepgram_key", default: "", help: "The key that Deepgram has given. Let it be a secret.")
    var deepgramKey: String
    @Parameter("deepgram_url", default: "https://api.deepgram.com", help: "The address of Deepgram, or of one like it.")
    var deepgramURL: String
    @Parameter("deepgram_model", default: "", help: "Deepgram's model, as nova-3. Empty leaves it to Deepgram.")
    var deepgramModel: String
    @Parameter("openai_key", default: "", help: "The key of a server of OpenAI's kind. Let it be a secret.")
    var openAIKey: String
    @Parameter(
        "openai_url", default: "",
        help:
            "The address of a server of OpenAI's kind. Without a path /v1/audio/transcriptions is added. "
            + "Empty is OpenAI's own.")
    var openAIURL: String
    @Parameter("openai_model", default: "whisper-1", help: "The model that is asked for, as whisper-1.")
    var openAIModel: String
    @Parameter("vosk_url", default: "ws://127.0.0.1:2700", help: "The address of vosk-server.")
    var voskURL: String

    private var context: NodeContext!
    private var metrics: SpeechMetrics!
    /// One, or one for each of `channels`.
    private var streams: [SpeechChannel] = []
    private var names: [String] = []
    private var isLive = true

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        text.fix(Transcript.format)
        gaps.fix(LostAudio.format)
        metrics = SpeechMetrics(context)
        guard let engine = try context.service((any SpeechEngine).self) else {
            throw NodeError("no plugin provides speech", advice: "Add one to the plugin path.", isInputError: true)
        }
        names = channels.split(separator: ",").map { $0.split(separator: " ").joined(separator: " ") }
        guard Set(names).count == names.count, names.count <= 16 else {
            throw NodeError(
                "channels is \"\(channels)\"", advice: "Give each of up to 16 channels a name of its own.",
                isInputError: true)
        }
        for index in names.isEmpty ? [nil] : names.indices.map(Optional.some) {
            let template = Transcript(session: session, speaker: index.map { names[$0] } ?? speaker)
            let texts = UtteranceTexts(context, metrics, template, text: text, gaps: gaps)
            let provider = try makeProvider(engine)
            streams.append(SpeechChannel(provider, texts, metrics, channel: index))
            provider.start(context.now)
        }
    }

    private func makeProvider(_ engine: any SpeechEngine) throws -> any SpeechProvider {
        var settings = ProviderSettings(providers: providers, language: language)
        (settings.model, settings.partials) = (model, partials)
        (settings.clientID, settings.clientSecret, settings.rtzrURL) = (rtzrClientID, rtzrClientSecret, rtzrURL)
        settings.rtzr = [
            ("model_name", rtzrModel), ("domain", rtzrDomain), ("language", language), ("use_itn", usesITN),
            ("use_disfluency_filter", usesDisfluencyFilter), ("use_profanity_filter", usesProfanityFilter),
            ("use_punctuation", usesPunctuation), ("keywords", keywords),
            ("epd_time", endOfSpeech > 0 ? "\(endOfSpeech)" : ""),
            ("noise_threshold", noiseThreshold > 0 ? "\(noiseThreshold)" : ""),
            ("active_threshold", activeThreshold > 0 ? "\(activeThreshold)" : ""),
        ]
        settings.rtzrAudio = RTZRAudio(encoding: rtzrEncoding, rate: rtzrRate)
        (settings.deepgramKey, settings.deepgramURL, settings.deepgramModel) = (
            deepgramKey, deepgramURL, deepgramModel
        )
        (settings.openAIKey, settings.openAIURL, settings.openAIModel) = (openAIKey, openAIURL, openAIModel)
        (settings.voskURL, settings.warm) = (voskURL, warm)
        return try settings.provider(engine, context, holds: gaps.isConnected)
    }

    public func process(now: Instant) throws {
        answer(now)
        if finalize.take() { end(now) }
        // A file waits while utterances are written; what lives goes on, and what cannot be written is said.
        while isLive || streams.allSatisfy(\.provider.hasRoom), let frame = input.next() {
            try take(frame, now)
            if input.takeFence() { end(now) }
        }
        if input.takeFence() { end(now) }
        answer(now)
        wake()
    }

    public func finish(now: Instant) throws -> Bool {
        // Each of them is to be told.
        let isOver = streams.map { $0.finish(now, isLive: isLive) }
        if isOver.contains(false) { wake() }
        return !isOver.contains(false)
    }

    public func close() { for stream in streams { stream.provider.close() } }

    private func take(_ frame: AudioFrame, _ now: Instant) throws {
        if isLive == frame.header.isUnpaced {
            isLive = !isLive
            for stream in streams { stream.provider.setLive(isLive) }
        }
        guard names.isEmpty || frame.layout.channels == names.count else {
            throw NodeError(
                "the audio has \(frame.layout.channels) channels, and channels names \(names.count)",
                advice: "Name as many, or leave channels empty, which hears them as one.", isInputError: true)
        }
        for stream in streams { try stream.take(frame, now) }
    }

    private func end(_ now: Instant) { for stream in streams { stream.end(now) } }

    private func answer(_ now: Instant) {
        for stream in streams { stream.answer(now) }
        metrics.speech.set(streams.reduce(0) { $0 + $1.provider.heardSpeech } / 16)
        context.isWaiting(for: streams.lazy.compactMap(\.isWaitingFor).first)
    }

    private func wake() {
        let due = streams.reduce(Instant.distantFuture) { min($0, $1.wake) }
        if due != .distantFuture { context.wake(at: due) }
    }
}
