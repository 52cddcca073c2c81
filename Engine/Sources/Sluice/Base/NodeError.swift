/// A failure of a node in words for its user: what happened, and what to do.
public struct NodeError: Error, CustomStringConvertible, Sendable {
    /// The failure in words; the engine puts the node's name before it.
    public let message: String
    /// Advice in whole sentences. Empty where there is nothing to say.
    public let advice: String
    /// The graph or the environment is wrong, not the run: exit status 2.
    public let isInputError: Bool

    /// `isInputError` where the graph or the environment is wrong: the command then exits with 2, else with 1.
    public init(_ message: String, advice: String = "", isInputError: Bool = false) {
        self.message = message
        self.advice = advice
        self.isInputError = isInputError
    }

    /// Advice about a word that a graph gave and the node does not know: `Did you mean "libx264"?`, or
    /// `LISTING: h264_vaapi, libx264.`, or nothing where `candidates` is empty.
    public static func suggestion(for word: String, in candidates: [String], listing: String) -> String {
        Sluice.suggestion(for: word, in: candidates, listing: listing)
    }

    public var description: String { advice.isEmpty ? message : "\(message)\n  \(advice)" }
}
