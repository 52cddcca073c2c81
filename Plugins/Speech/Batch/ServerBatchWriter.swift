import HTTPClient
import Sluice
import Spool
import Synchronization

/// A server of OpenAI's `POST /v1/audio/transcriptions`: a batch is a request. One lane only; requests wait on workers.
final class ServerBatchWriter: BatchWriter {
    enum Form: String, CaseIterable, ParameterValue.Convertible, Sendable {
        case mp3, wav
    }

    private struct Reply: Sendable {
        var audio: SpoolAudio
        /// How much later the words of the answer are than those of `audio`, in s.
        var delay: Double
        var answer: HTTPCall.Answer?
        /// The server took the request.
        var wasReached: Bool
        /// A sentence's middle, where it is not the server's fault.
        var fault: String?
    }

    /// The request that goes on, for those who give it up.
    private final class Call: Sendable {
        let call = Mutex<HTTPCall?>(nil)
        let isOver = Atomic<Bool>(false)
    }

    let name = "openai"
    private let form: TranscriptionForm
    private let file: Form
    /// In b/s.
    private let bitrate: Int
    private let patience: Interval
    private let context: NodeContext
    private var running: [(id: BatchSchedule.ID, call: Call, answer: NodeContext.Answer<Reply>)] = []

    init(_ form: TranscriptionForm, _ file: Form, bitrate: Int, patience: Interval, _ context: NodeContext) {
        (self.form, self.file, self.bitrate, self.patience, self.context) = (form, file, bitrate, patience, context)
    }

    func start(_ id: BatchSchedule.ID, _ audio: @escaping @Sendable () -> SpoolAudio) {
        let (form, file, bitrate, patience, call) = (form, file, bitrate, patience, Call())
        let answer = context.ask { () -> Reply in
            let audio = audio()
            guard !audio.samples.isEmpty else { return Reply(audio: audio, delay: 0, wasReached: true) }
            var sent = TranscriptionForm.File.wave(audio.samples)
            var delay = 0.0
            if file == .mp3 {
                do {
                    let coded = try MP3.encode(audio.samples, rate: SpeechSamples.rate, bitrate: bitrate)
                    sent = .init(name: "speech.mp3", type: "audio/mpeg", bytes: coded.bytes)
                    delay = Double(coded.delay) / Double(SpeechSamples.rate)
                } catch {
                    return Reply(audio: audio, delay: 0, wasReached: true, fault: "cannot be sent: \(error)")
                }
            }
            let request = form.call(sent, patience: patience)
            call.call.withLock { $0 = request }
            if call.isOver.load(ordering: .relaxed) { request.cancel() }
            let answer = try? request.perform()
            return Reply(audio: audio, delay: delay, answer: answer, wasReached: request.wasReached)
        }
        running.append((id, call, answer))
    }

    func take() -> [BatchAnswer] {
        var answers: [BatchAnswer] = []
        running.removeAll { job in
            guard let result = job.answer.take() else { return false }
            switch result {
            case .success(let reply):
                answers.append(BatchAnswer(id: job.id, audio: reply.audio, outcome: outcome(reply)))
            case .failure:
                answers.append(
                    BatchAnswer(
                        id: job.id, audio: SpoolAudio(),
                        outcome: .unreachable("no worker has time to ask", wish: nil)))
            }
            return true
        }
        return answers
    }

    private func outcome(_ reply: Reply) -> BatchAnswer.Outcome {
        if let fault = reply.fault { return .failed(fault, wish: nil, isFinal: false) }
        guard !reply.audio.samples.isEmpty else { return .written([]) }
        guard let answer = reply.answer else {
            return reply.wasReached
                ? .failed("gave no whole answer in time", wish: nil, isFinal: false)
                : .unreachable("cannot be reached", wish: nil)
        }
        let seconds = Double(reply.audio.samples.count) / Double(SpeechSamples.rate)
        do {
            let written = try form.read(answer, seconds: seconds + reply.delay).earlier(by: reply.delay)
            return .written([(0, written)])
        } catch {
            // A key or an address that is wrong, a server that has no time, and those that stand before one which is
            // not there: another batch would fare no better.
            return [401, 403, 404, 429, 502, 503, 504].contains(answer.status)
                ? .unreachable(error.why, wish: error.retryAfter)
                : .failed(error.why, wish: error.retryAfter, isFinal: false)
        }
    }

    func close() {
        for job in running {
            job.call.isOver.store(true, ordering: .relaxed)
            job.call.call.withLock { $0?.cancel() }
        }
        running = []
    }
}

extension Written {
    /// Its times are those of audio that began so many s later.
    fileprivate func earlier(by delay: Double) -> Written {
        guard delay > 0 else { return self }
        var result = self
        result.words = words.map {
            Word(
                text: $0.text, start: max(0, $0.start - delay), end: max(0, $0.end - delay), confidence: $0.confidence)
        }
        return result
    }
}
