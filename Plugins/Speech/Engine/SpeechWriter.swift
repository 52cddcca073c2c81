import Glibc
import Sluice

/// The memory in which one worker writes: of one model at a time, some 75 MB for tiny. One thread at a time.
final class SpeechWriter {
    private let model: SpeechModel
    private let handle: SpeechLibrary.Handle
    private let detector: SileroDetector
    private var library: SpeechLibrary { model.library }

    init(_ model: SpeechModel) throws {
        guard let handle = model.library.openWriter(model.handle) else {
            throw NodeError("there is no memory for \"\(model.path)\" to write")
        }
        (self.model, self.handle) = (model, handle)
        detector = try SileroDetector(model.library)
    }

    deinit { library.closeWriter(handle) }

    func isFor(_ model: SpeechModel) -> Bool { self.model === model }

    /// Audio without speech is not decoded: Whisper invents text for it. Text that Whisper doubts is written anew with
    /// its whole encoder and several beams, which takes three times as long: always where it doubts much, else where
    /// `hasTime`.
    func write(_ job: DecodeJob, hasTime: () -> Bool = { true }) -> DecodeJob.Outcome {
        do {
            guard let speech = try speech(in: job.samples) else { return .noSpeech }
            let window = Whisper.window(for: job.samples.count)
            var result = try decode(job, window: window, beams: 1, tries: false)
            if job.isFinal, !result.isCancelled {
                if Whisper.isDoubtful(result, seconds: job.samples.count / 16_000) {
                    result = try decode(job, window: 0, beams: Whisper.beams, tries: true)
                } else if window != 0, Whisper.isUnsure(result), hasTime() {
                    let other = try decode(job, window: 0, beams: Whisper.beams, tries: false)
                    if other.isCancelled || other.confidence > result.confidence + Whisper.clearly { result = other }
                }
            }
            guard !result.isCancelled else { return .cancelled }
            let length = Double(job.samples.count) / 16_000
            let joined = TokenWords(result.tokens, length: length)
            var written = Written(words: joined.words, language: result.language, speech: speech)
            written.unreadable = joined.unreadable
            written.confidence = min(max(exp(result.confidence), 0), 1)
            if Whisper.isInvented(result) { written.words = [] }
            return .written(written)
        } catch let error as NodeError {
            return .failed(error.message)
        } catch {
            return .failed("\(error)")
        }
    }

    private func speech(in samples: [Float]) throws -> ClosedRange<Double>? {
        detector.reset()
        var turns = SpeechTurns(SpeechSettings(hangOver: 1e6, maxSpeech: 1e6))
        var begin: Int?
        try samples.withUnsafeBufferPointer { samples in
            var at = 0
            while samples.count - at >= SpeechTurns.window {
                let window = UnsafeBufferPointer(rebasing: samples[at..<at + SpeechTurns.window])
                if case .began(let first)? = turns.take(try detector.probability(of: window)).first { begin = first }
                at += SpeechTurns.window
            }
        }
        guard let begin, case .ended(let last)? = turns.finish() else { return nil }
        let seconds = SpeechTurns.milliseconds / 1_000
        return Double(begin) * seconds...Double(max(begin, last)) * seconds
    }

    private func decode(_ job: DecodeJob, window: Int, beams: Int, tries: Bool) throws -> Whisper.Result {
        let owner = Unmanaged.passUnretained(job).toOpaque()
        // Whisper pads what is short with silence, and gives nothing for less than a second.
        var samples = job.samples
        if samples.count < Whisper.leastSamples {
            samples += repeatElement(0, count: Whisper.leastSamples - samples.count)
        }
        let count = samples.withUnsafeBufferPointer { samples in
            library.write(
                handle, samples.baseAddress!, Int32(clamping: samples.count), job.language, Int32(clamping: window),
                Int32(beams),
                tries ? 1 : 0,
                { owner in
                    guard let owner else { return 1 }
                    return Unmanaged<DecodeJob>.fromOpaque(owner).takeUnretainedValue().isCancelled ? 1 : 0
                }, owner)
        }
        guard count != -2 else { return Whisper.Result(isCancelled: true) }
        guard count >= 0 else { throw NodeError("whisper.cpp could not write \(job.samples.count) samples") }
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
