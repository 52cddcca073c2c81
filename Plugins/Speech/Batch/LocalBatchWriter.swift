import Sluice
import Spool

/// The engine in the process: what is spoken in a batch is cut into utterances, and each is written. One batch at a
/// time. One lane only.
final class LocalBatchWriter: BatchWriter {
    private struct Loaded: Sendable {
        var audio: SpoolAudio
        /// Utterances in samples of the batch; nil where the detector failed.
        var spoken: [Range<Int>]?
    }

    private struct Job {
        let id: BatchSchedule.ID
        let audio: SpoolAudio
        let spoken: [Range<Int>]
        /// Utterances that are with the provider.
        var begun = 0
        /// By their numbers.
        var written: [Int: Written] = [:]
        var fault: String?
    }

    /// Audio in samples around an utterance.
    private static let (before, after) = (4_800, 3_200)

    let name = "local"
    private let context: NodeContext
    private let engine: any SpeechEngine
    private let provider: any SpeechProvider
    private var loading: (id: BatchSchedule.ID, answer: NodeContext.Answer<Loaded>)?
    private var job: Job?
    /// The utterance of the provider with which the job begins.
    private var offset = 0

    /// Throws where the engine, its model or the language are none.
    init(_ engine: any SpeechEngine, model: String, language: String, _ context: NodeContext) throws {
        (self.engine, self.context) = (engine, context)
        var settings = LocalProvider.Settings()
        settings.language = language
        let inbox = context.isVirtual ? nil : context.inbox(of: ProviderEvent.self, capacity: 1_024)
        provider = try engine.local(model: model, settings, inbox: inbox)
        provider.setLive(false)
    }

    func start(_ id: BatchSchedule.ID, _ audio: @escaping @Sendable () -> SpoolAudio) {
        let engine = engine
        let load: @Sendable () -> Loaded = {
            let audio = audio()
            return Loaded(audio: audio, spoken: try? LocalBatchWriter.utterances(audio.samples, engine.detector()))
        }
        if context.isVirtual {
            begin(id, load())
        } else {
            loading = (id, context.ask { load() })
        }
    }

    /// Utterances with the audio around them, in order, 30 s at most.
    static func utterances(_ samples: [Int16], _ detector: any VoiceDetector) throws -> [Range<Int>] {
        let longest = 30.0 - Double(before + after) / Double(SpeechSamples.rate)
        let found = try SpokenRanges.find(
            samples.map(PCM.float), detector, SpeechSettings(hangOver: 500, maxSpeech: longest))
        var end = 0
        return found.map { windows in
            let start = max(end, windows.lowerBound * SpeechTurns.window - before)
            end = min(samples.count, max(start, windows.upperBound * SpeechTurns.window + after))
            return start..<end
        }
    }

    private func begin(_ id: BatchSchedule.ID, _ loaded: Loaded) {
        job = Job(
            id: id, audio: loaded.audio, spoken: loaded.spoken ?? [],
            fault: loaded.spoken == nil ? "cannot tell speech from silence" : nil)
    }

    func take() -> [BatchAnswer] {
        if let (id, answer) = loading, let result = answer.take() {
            loading = nil
            switch result {
            case .success(let loaded): begin(id, loaded)
            case .failure:
                begin(id, Loaded(audio: SpoolAudio(), spoken: nil))
            }
        }
        while job != nil {
            hear()
            guard let event = provider.next() else { break }
            take(event)
        }
        guard let job, job.begun == job.spoken.count, job.written.count == job.begun else { return [] }
        self.job = nil
        offset += job.begun
        let parts = job.spoken.enumerated().map { ($1.lowerBound, job.written[$0] ?? Written()) }
        let outcome: BatchAnswer.Outcome =
            job.fault.map { .failed($0, wish: nil, isFinal: false) } ?? .written(parts)
        return [BatchAnswer(id: job.id, audio: job.audio, outcome: outcome)]
    }

    private func hear() {
        while let next = job?.begun, let count = job?.spoken.count, next < count, provider.hasRoom {
            guard let range = job?.spoken[next], let samples = job?.audio.samples[range] else { return }
            provider.begin(offset + next + 1)
            provider.hear(samples.map(PCM.float)[...])
            provider.finalize()
            job?.begun += 1
        }
    }

    private func take(_ event: ProviderEvent) {
        let number = event.utterance - offset - 1
        guard event.isLast, number >= 0 else { return }
        switch event {
        case .final(_, let written): job?.written[number] = written
        case .failed(_, let why):
            job?.written[number] = Written()
            job?.fault = why
        default:
            job?.written[number] = Written()
            job?.fault = "more speech came than can be written"
        }
    }

    func close() { provider.close() }
}
