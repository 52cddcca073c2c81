/// How much of a stream may go out again: as many bytes as have gone out, and `allowance` more. A receiver that asks
/// for everything for ever gets no more than that.
struct RepairBudget: Sendable {
    /// For what is lost before much has been sent.
    static let allowance = 32 << 10

    private var credit = RepairBudget.allowance

    /// `bytes` have gone out. No more is saved up than `kept` and the allowance: what is kept to be sent again.
    mutating func earn(_ bytes: Int, kept: Int) {
        credit = max(credit, min(credit + bytes, kept + RepairBudget.allowance))
    }

    /// True where `bytes` may go out again.
    mutating func spend(_ bytes: Int) -> Bool {
        guard credit >= bytes else { return false }
        credit -= bytes
        return true
    }
}

/// The fate of packets that a receiver asked for again.
public struct RepairCounts: Equatable, Sendable {
    /// Nothing was asked for.
    public init() {}

    /// Packets that were asked for and looked for, each time.
    public var asked = 0
    /// Packets that were not even looked for, as too many were asked for at once.
    public var unheard = 0
    /// Packets that went out again.
    public var sent = 0
    /// Bytes of payload that went out again.
    public var bytes = 0
    /// Packets that are kept no more, or never were.
    public var gone = 0
    /// Packets that had gone out again within the last round trip, or were about to, or were made needless by a
    /// keyframe.
    public var tooSoon = 0
    /// Packets that would have been more than as many bytes again as the stream.
    public var overBudget = 0
    /// Packets that were asked for and did not go out.
    public var refused: Int { unheard + gone + tooSoon + overBudget }
}
