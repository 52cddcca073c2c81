import Sluice

/// The engine in the process as a provider: an utterance is a job, and partials are jobs over what there is so far.
///
/// In virtual time jobs are done at once, in the call: equal input then gives equal text at equal times.
final class LocalProvider: SpeechProvider {
    struct Settings {
        var language = ""
        /// In ms of audio between two partials; 0 for none.
        var partials = 0.0
        /// Utterances that wait for their final.
        var pending = 8
    }

    let name = "local"
    private let engine: Speech
    private let model: SpeechModel
    private let settings: Settings
    private let stream: Int
    private let inbox: NodeContext.Inbox<ProviderEvent>?
    /// In virtual time.
    private var writer: SpeechWriter?
    private var ready: [ProviderEvent] = []

    private var utterance = 0
    private var samples: [Float] = []
    /// Samples at the last partial.
    private var written = 0
    private var isLive = true
    private var isPartialUnderWay = false
    private var pending: Set<Int> = []

    /// `inbox` is nil in virtual time. Throws where the model or the language are none.
    init(
        _ engine: Speech, model: String, _ settings: Settings, inbox: NodeContext.Inbox<ProviderEvent>?
    ) throws {
        self.engine = engine
        self.model = try engine.model(model)
        self.settings = settings
        self.inbox = inbox
        language = try self.model.language(settings.language)
        stream = engine.newStream()
    }

    private let language: String

    /// From the end of an utterance to its text, where it is spoken just now.
    private static let patience = Duration.seconds(1)

    var hasRoom: Bool { pending.count < settings.pending }

    func begin(_ utterance: Int) {
        self.utterance = utterance
        samples.removeAll(keepingCapacity: true)
        (written, isPartialUnderWay) = (0, false)
    }

    func hear(_ new: ArraySlice<Float>) {
        samples.append(contentsOf: new)
        let step = Int(settings.partials * 16)
        guard step > 0, samples.count - written >= step, !isPartialUnderWay else { return }
        written = samples.count
        isPartialUnderWay = submit(isFinal: false)
    }

    func setLive(_ isLive: Bool) { self.isLive = isLive }

    func finalize() {
        pending.insert(utterance)
        if !submit(isFinal: true) {
            pending.remove(utterance)
            ready.append(.unwritten(utterance))
        }
        samples.removeAll(keepingCapacity: true)
    }

    private func submit(isFinal: Bool) -> Bool {
        let utterance = utterance
        let job = DecodeJob(
            stream: stream, isFinal: isFinal, samples: samples, language: language, model: model,
            due: isLive && inbox != nil ? .now + LocalProvider.patience : nil
        ) { [inbox] outcome in
            if let event = LocalProvider.event(utterance, isFinal: isFinal, outcome) { inbox?.post(event) }
        }
        if inbox == nil {
            let outcome = DecodePool.write(job, by: &writer)
            if let event = LocalProvider.event(utterance, isFinal: isFinal, outcome) { ready.append(event) }
            return true
        }
        return engine.add(job)
    }

    /// nil where nobody waits for it.
    static func event(_ utterance: Int, isFinal: Bool, _ outcome: DecodeJob.Outcome) -> ProviderEvent? {
        switch outcome {
        case .written(let written): isFinal ? .final(utterance, written) : .partial(utterance, written)
        case .noSpeech: isFinal ? .final(utterance, Written()) : .partial(utterance, Written())
        case .failed(let why): isFinal ? .failed(utterance, why) : .partial(utterance, Written())
        case .cancelled: isFinal ? .unwritten(utterance) : nil
        }
    }

    func next() -> ProviderEvent? {
        let event = ready.isEmpty ? inbox?.next() : ready.removeFirst()
        if let event {
            if event.isLast { pending.remove(event.utterance) }
            if case .partial(utterance, _) = event { isPartialUnderWay = false }
        }
        return event
    }

    func close() {
        engine.remove(stream: stream)
        writer = nil
    }
}
