/// A failure of a node in words for its user: what happened, and what to do.
public struct NodeError: Error, CustomStringConvertible, Sendable {
    public let message: String
    public let advice: String
    /// The graph or the environment is wrong, not the run: exit status 2.
    public let isInputError: Bool

    public init(_ message: String, advice: String = "", isInputError: Bool = false) {
        self.message = message
        self.advice = advice
        self.isInputError = isInputError
    }

    public var description: String { advice.isEmpty ? message : "\(message)\n  \(advice)" }
}
