/// Leads from a provider's time, which counts the audio of one connection, to the utterances in that audio. Pure.
struct ConnectionClock: Sendable {
    private struct Stretch {
        /// The sample of the connection with which it begins.
        var from: Int
        /// nil for silence that keeps a connection.
        var utterance: Int?
        /// The sample of the utterance with which it begins.
        var offset: Int
    }

    static let rate = Double(SpeechSamples.rate)
    private static let most = 512

    private var stretches: [Stretch] = []
    /// Samples.
    private(set) var sent = 0
    private var offset = 0

    var seconds: Double { Double(sent) / ConnectionClock.rate }

    /// The next samples are of that utterance.
    mutating func begin(_ utterance: Int) {
        add(Stretch(from: sent, utterance: utterance, offset: 0))
        offset = 0
    }

    mutating func send(_ count: Int) {
        sent += count
        offset += count
    }

    mutating func send(silence count: Int) {
        let utterance = stretches.last?.utterance
        add(Stretch(from: sent, utterance: nil, offset: 0))
        sent += count
        if let utterance { add(Stretch(from: sent, utterance: utterance, offset: offset)) }
    }

    private mutating func add(_ stretch: Stretch) {
        if stretches.last?.from == stretch.from { stretches.removeLast() }
        stretches.append(stretch)
        if stretches.count > ConnectionClock.most { stretches.removeFirst(stretches.count - ConnectionClock.most) }
    }

    /// The utterance that is heard at that time of the connection. Times before and behind what was sent are its first
    /// and last. nil where nothing was sent.
    func utterance(at seconds: Double) -> Int? {
        let sample = self.sample(seconds)
        let at = stretches.lastIndex { $0.from <= sample && $0.utterance != nil }
        return (at.map { stretches[$0] } ?? stretches.first { $0.utterance != nil })?.utterance
    }

    /// A time of the connection in s from the beginning of an utterance. nil where nothing of it was sent.
    func seconds(_ seconds: Double, in utterance: Int) -> Double? {
        let sample = self.sample(seconds)
        let known = stretches.indices.filter { stretches[$0].utterance == utterance }
        guard let index = known.last(where: { stretches[$0].from <= sample }) ?? known.first else { return nil }
        let stretch = stretches[index]
        let end = index + 1 < stretches.count ? stretches[index + 1].from : sent
        let within = max(0, min(sample, end) - stretch.from)
        return Double(stretch.offset + within) / ConnectionClock.rate
    }

    private func sample(_ seconds: Double) -> Int {
        Int(max(0, min(seconds * ConnectionClock.rate, Double(sent))).rounded())
    }
}
