import Glibc
import Sluice

/// The memory in which one worker writes: of one model at a time, some 75 MB for tiny. One thread at a time.
final class SpeechWriter {
    private let model: SpeechModel
    private let handle: SpeechLibrary.Handle
    private let detector: SileroDetector
    private var library: SpeechLibrary { model.library }
    private var cost = DecodeCost()

    init(_ model: SpeechModel) throws {
        guard let handle = model.library.openWriter(model.handle) else {
            throw NodeError("there is no memory for \"\(model.path)\" to write")
        }
        (self.model, self.handle) = (model, handle)
        detector = SileroDetector(model.library)
    }

    deinit { library.closeWriter(handle) }

    func isFor(_ model: SpeechModel) -> Bool { self.model === model }

    /// Audio without speech is not decoded: Whisper invents text for it. Text that Whisper doubts is written anew, as
    /// `Rewriting` says.
    func write(
        _ job: DecodeJob, hasTime: @escaping (Duration, _ isDoubtful: Bool) -> Bool = { _, _ in true }
    ) -> DecodeJob.Outcome {
        do {
            let silent = SpeechSettings(hangOver: SpokenAudio.shortest, maxSpeech: 1e6)
            let spoken = try SpokenRanges.find(job.samples, detector, silent)
            guard let audio = SpokenAudio(job.samples, spoken: spoken) else { return .noSpeech }
            let window = Whisper.window(for: audio.samples.count)
            let began = ContinuousClock.now
            var result = try decode(audio.samples, job, window: window, .init(beams: 1), isFirst: true)
            let took = ContinuousClock.now - began
            if job.isFinal, !result.isCancelled {
                let rewriting = Rewriting(hasTime: hasTime) { way in
                    let began = ContinuousClock.now
                    let result = try self.decode(audio.samples, job, window: 0, way, isFirst: false)
                    return (result, ContinuousClock.now - began)
                }
                result = try rewriting.best(
                    of: result, took: took, window: window, seconds: audio.samples.count / SpeechSamples.rate,
                    cost: &cost)
            }
            guard !result.isCancelled, !job.isCancelled else { return .cancelled }
            let length = Double(audio.samples.count) / Double(SpeechSamples.rate)
            let joined = TokenWords(result.tokens, length: length)
            let words = joined.words.map { word in
                Written.Word(
                    text: word.text, start: audio.time(word.start), end: audio.time(word.end),
                    confidence: word.confidence)
            }
            var written = Written(words: words, language: result.language, speech: audio.speech)
            written.unreadable = joined.unreadable
            written.isDoubtful = result.isLeftDoubtful
            written.confidence = min(max(exp(result.confidence), 0), 1)
            if Whisper.isInvented(result) { written.words = [] }
            return .written(written)
        } catch let error as NodeError {
            return .failed(error.message)
        } catch {
            return .failed("\(error)")
        }
    }

    private static let isCancelled: SpeechLibrary.Asking = { owner in
        guard let owner else { return 1 }
        return Unmanaged<DecodeJob>.fromOpaque(owner).takeUnretainedValue().isCancelled ? 1 : 0
    }
    /// Of a text that there is already.
    private static let isOver: SpeechLibrary.Asking = { owner in
        guard let owner else { return 1 }
        let job = Unmanaged<DecodeJob>.fromOpaque(owner).takeUnretainedValue()
        return job.isCancelled || !job.hasTime(for: .zero, isDoubtful: true) ? 1 : 0
    }

    private func decode(
        _ audio: [Float], _ job: DecodeJob, window: Int, _ way: DecodeCost.Way, isFirst: Bool
    ) throws -> Whisper.Result {
        let owner = Unmanaged.passUnretained(job).toOpaque()
        // Whisper pads what is short with silence, and gives nothing for less than a second.
        var samples = audio
        if samples.count < Whisper.leastSamples {
            samples += repeatElement(0, count: Whisper.leastSamples - samples.count)
        }
        let count = samples.withUnsafeBufferPointer { samples in
            library.write(
                handle, samples.baseAddress!, Int32(clamping: samples.count), job.language, Int32(clamping: window),
                Int32(way.beams), way.tries ? 1 : 0, isFirst ? SpeechWriter.isCancelled : SpeechWriter.isOver, owner)
        }
        guard count != -2 else { return Whisper.Result(isCancelled: true) }
        guard count >= 0 else { throw NodeError("whisper.cpp could not write \(audio.count) samples") }
        var result = Whisper.Result()
        for index in 0..<count {
            var (start, end, probability): (Float, Float, Float) = (0, 0, 0)
            let text = library.token(handle, index, &start, &end, &probability)
            // A segment's first token may lack the blank.
            let parts: [UInt8] = library.beginsSegment(handle, index) != 0 && text.pointee != 0x20 ? [0x20] : []
            result.tokens.append(
                TokenWords.Token(
                    bytes: parts + Whisper.bytes(text), start: Whisper.number(start), end: Whisper.number(end),
                    probability: Whisper.number(probability)))
        }
        var silence: Float = 0
        result.confidence = Whisper.number(library.confidence(handle, &silence))
        result.silence = Whisper.number(silence)
        result.language = String(cString: library.writtenLanguage(handle))
        return result
    }
}
