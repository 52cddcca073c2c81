/// Why a description of the peer's is refused.
public struct NegotiationFault: Error, Equatable, Sendable {
    /// The peer can be told by a status of HTTP.
    public enum Kind: Sendable {
        /// The text is no description that can be read (400).
        case malformed
        /// It can be read, and nothing comes of it here (406).
        case incompatible
        /// It does not follow what was said before (409).
        case unexpected
    }

    /// For the peer.
    public var kind: Kind
    /// A clause that begins small, without a full stop.
    public var what: String
    /// A whole sentence that says what to do.
    public var advice: String

    /// `what` is a clause that begins small, without a full stop; `advice` a whole sentence.
    public init(_ kind: Kind, _ what: String, advice: String) {
        (self.kind, self.what, self.advice) = (kind, what, advice)
    }
}

extension NegotiationFault: CustomStringConvertible {
    /// Clause and advice.
    public var description: String { "\(what). \(advice)" }
}
