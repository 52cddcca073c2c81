import Sluice

/// Sentences of a node about what its media lose, each said once and only so many. So a stranger whose pictures change
/// with every packet fills neither log nor memory.
public struct Losses {
    private var said: Set<String> = []
    private var saidFields = false
    private static let most = 8

    /// Nothing was said yet.
    public init() {}

    /// The sentence where it is to be said: with a word about the others where it is the last one.
    public mutating func news(_ sentence: String) -> String? {
        guard said.count < Losses.most, said.insert(sentence).inserted else { return nil }
        return said.count < Losses.most ? sentence : sentence + " Others of the kind are not said any more."
    }

    /// Warns of what was not said before. On the node's lane.
    public mutating func tell(_ sentence: String, _ context: NodeContext) {
        if let news = news(sentence) { context.log(.warning, news) }
    }

    /// Warns of those that were not said before. On the node's lane.
    public mutating func tell(_ sentences: [String], _ context: NodeContext) {
        for sentence in sentences { tell(sentence, context) }
    }

    /// Warns once that a node takes an interlaced picture for a whole one. `deed` is its verb: "encoded". Costs nothing
    /// afterwards.
    public mutating func tellFields(of frame: VideoFrame, _ deed: String, _ context: NodeContext) {
        guard !saidFields, frame.header.flags.contains(.interlaced) else { return }
        saidFields = true
        context.log(
            .warning,
            "pictures are interlaced and are \(deed) as if they were whole: moving edges look like combs. "
                + "A node \"deinterlace\" before it makes whole pictures of their fields.")
    }
}
