import HTTP
import HTTPClient
import Sluice

/// A server of OpenAI's `POST /v1/audio/transcriptions`: an utterance is a request. One lane only.
///
/// A request that gets no answer, or 429 or 500 and above, is sent again; where that helps nothing, `lost` says so and
/// the next of the list has it.
final class OpenAIProvider: SpeechProvider {
    private struct Job {
        let utterance: Int
        let samples: [Int16]
        var tries = 0
    }

    /// Utterances that may wait; a file waits then, and of live ones the newest stay unwritten.
    private static let pending = 8
    private static let tries = 3

    let name = "openai"
    private let form: TranscriptionForm
    private let context: NodeContext
    private let counts: ProviderMetrics
    private var utterance = 0
    private var samples: [Int16] = []
    private var jobs: [Job] = []
    private var call: HTTPCall?
    private var answer: NodeContext.Answer<HTTPCall.Answer>?
    private var events: [ProviderEvent] = []
    private var backoff = Backoff()
    private var due: Instant?
    private var now = Instant(nanoseconds: 0)

    init(_ form: TranscriptionForm, _ context: NodeContext) {
        (self.form, self.context) = (form, context)
        counts = ProviderMetrics(name, context)
    }

    var hasRoom: Bool { jobs.count < OpenAIProvider.pending }
    var isRemote: Bool { true }
    var metrics: ProviderMetrics? { counts }
    var wake: Instant { due ?? .distantFuture }

    func begin(_ utterance: Int) {
        self.utterance = utterance
        samples = []
    }

    func hear(_ samples: ArraySlice<Float>) { hear(samples.map(PCM.number)[...], speech: 0) }

    func hear(_ samples: ArraySlice<Int16>, speech: Int) { self.samples.append(contentsOf: samples) }

    func finalize() {
        guard jobs.count < OpenAIProvider.pending * 2 else {
            events.append(.unwritten(utterance))
            return
        }
        jobs.append(Job(utterance: utterance, samples: samples))
        samples = []
        next(now)
    }

    func stop() {
        call?.cancel()
        (call, answer, due, jobs, samples) = (nil, nil, nil, [], [])
    }

    func tick(_ now: Instant) {
        self.now = now
        if let result = answer?.take() { take(result) }
        if let due, now >= due {
            self.due = nil
            next(now)
        }
    }

    func next() -> ProviderEvent? { events.isEmpty ? nil : events.removeFirst() }

    func close() { stop() }

    private func next(_ now: Instant) {
        guard answer == nil, due == nil, let job = jobs.first else { return }
        let call = form.call(.wave(job.samples))
        counts.sent(job.samples.count)
        self.call = call
        answer = context.ask { try call.perform() }
    }

    private func take(_ result: Result<HTTPCall.Answer, any Error>) {
        (answer, call) = (nil, nil)
        guard let job = jobs.first else { return }
        var refusal = TranscriptionForm.Refusal(why: "cannot be reached", isFinal: false)
        if case .success(let answer) = result {
            do {
                let written = try form.read(answer, seconds: Double(job.samples.count) / Double(SpeechSamples.rate))
                jobs.removeFirst()
                backoff.reset()
                events.append(.final(job.utterance, written))
                return next(now)
            } catch { refusal = error }
        }
        jobs[0].tries += 1
        counts.lost(isBarren: true)
        events.append(.lost(refusal.why, isBarren: true))
        if refusal.isFinal || jobs[0].tries >= OpenAIProvider.tries {
            events.append(.failed(job.utterance, "\(name) \(refusal.why)"))
            jobs.removeFirst()
        }
        due = now + backoff.next(chance: Double.random(in: 0...1), wish: refusal.retryAfter)
    }
}
