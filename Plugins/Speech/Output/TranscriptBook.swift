/// Final texts in the order of their times, whenever they come. Pure.
struct TranscriptBook {
    /// By start, then in the order in which they came.
    private(set) var texts: [Transcript] = []

    enum Place: Equatable {
        /// Behind all others.
        case last
        /// Before others, or in the place of one: all from this one on are others than before.
        case within(Int)
        /// An empty text that replaces none.
        case none
    }

    /// A final text of an utterance that is there already replaces it; an empty one takes it away.
    mutating func take(_ text: Transcript) -> Place {
        var first: Int?
        // An utterance that comes again is most often one of the last.
        if let old = texts.lastIndex(where: {
            $0.id == text.id && $0.session == text.session && $0.speaker == text.speaker
        }) {
            texts.remove(at: old)
            first = old
        }
        guard !text.text.isEmpty else { return first.map(Place.within) ?? .none }
        let index = (texts.lastIndex { $0.start <= text.start }).map { $0 + 1 } ?? 0
        if index < texts.count { first = min(first ?? index, index) }
        texts.insert(text, at: index)
        return first.map(Place.within) ?? .last
    }
}
