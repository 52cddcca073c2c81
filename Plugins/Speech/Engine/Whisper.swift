import Glibc

/// Rules about Whisper's results. Pure.
enum Whisper {
    struct Result: Equatable {
        var tokens: [TokenWords.Token] = []
        /// The mean of the logarithms of the tokens' probabilities.
        var confidence = 0.0
        /// The probability that nothing was said.
        var silence = 0.0
        var language = ""
        var isCancelled = false
        /// It is doubtful, and there was no time to write it anew.
        var isLeftDoubtful = false
    }

    /// whisper.cpp gives nothing for less than a second.
    static let leastSamples = 17_600

    /// Texts that are followed at a time where one is written anew, of which the best is taken. More of them take more
    /// memory.
    static let beams = 3

    /// The whole encoder, in units of 20 ms.
    static let whole = 1_500

    /// The part of the encoder for so many samples, in units of 20 ms, 0 for all of it. Below 512 the text suffers.
    static func window(for samples: Int) -> Int {
        let needed = samples / 320 + 64
        return [512, 768, 1_024, 1_280].first { needed <= $0 } ?? 0
    }

    /// Unsure, or the same again and again: 30 letters a second are more than anybody says.
    static func isDoubtful(_ result: Result, seconds: Int) -> Bool {
        guard !result.tokens.isEmpty else { return true }
        return result.confidence < -1.2 || result.tokens.count > 12 * (seconds + 1) || repeats(result.tokens)
    }

    /// By so much surer another text takes a text's place.
    static let clearly = 0.05

    /// Mostly right, and perhaps not. The mean over a few tokens says nothing.
    static func isUnsure(_ result: Result) -> Bool { result.tokens.count >= 6 && result.confidence < -0.3 }

    /// The model holds it for silence and is unsure of its own text.
    static func isInvented(_ result: Result) -> Bool { result.silence > 0.6 && result.confidence < -1 }

    /// The same six tokens or fewer, three times in a row at the end.
    static func repeats(_ tokens: [TokenWords.Token]) -> Bool {
        (2...6).contains { length in
            guard tokens.count >= 3 * length else { return false }
            let end = tokens.suffix(3 * length).map(\.bytes)
            return end.prefix(2 * length) == end.suffix(2 * length)
        }
    }

    static func number(_ value: Float) -> Double { value.isFinite ? Double(value) : 0 }

    static func bytes(_ text: UnsafePointer<CChar>) -> [UInt8] {
        (0..<strlen(text)).map { UInt8(bitPattern: text[$0]) }
    }
}
