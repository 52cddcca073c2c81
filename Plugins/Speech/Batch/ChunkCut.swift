import Sluice

/// Finds the place in a chunk at which a batch is cut with the least harm, by the probabilities of speech in its
/// windows. Pure.
///
/// That is the middle of the longest silence in its second half, the latest of equals; where nobody is silent there,
/// the middle of the window in which speech is least likely.
struct ChunkCut {
    /// Below it a window is silence.
    static let release: Float = 0.35
    private var probabilities: [Float] = []

    mutating func take(_ probability: Float) { probabilities.append(probability) }

    /// In samples from its beginning. The next chunk begins.
    mutating func place() -> Int {
        defer { probabilities.removeAll(keepingCapacity: true) }
        let half = probabilities.count / 2
        var (longest, length) = (0..<0, 0)
        var least = half
        for index in half..<max(half, probabilities.count) {
            length = probabilities[index] < ChunkCut.release ? length + 1 : 0
            if length > 0, length >= longest.count { longest = index + 1 - length..<index + 1 }
            if probabilities[index] <= probabilities[least] { least = index }
        }
        let windows = longest.isEmpty ? least..<least + 1 : longest
        return (windows.lowerBound + windows.upperBound) * SpeechTurns.window / 2
    }
}
