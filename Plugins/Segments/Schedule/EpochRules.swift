/// Which segments and interruptions a session takes: epochs only rise.
///
/// A segment of a higher epoch than the present one begins a new turn, behind what is queued and without interrupting
/// it. One of a lower epoch than any before it is stale. Epoch 0 is never stale. A segment that names no epoch belongs
/// to the turn that is going on.
struct EpochRules: Equatable {
    /// The session's: what is below is stale everywhere.
    private(set) var session: UInt32
    /// The highest that a segment has brought.
    private var highest: UInt32

    init(session: UInt32) { (self.session, highest) = (session, session) }

    var current: UInt32 { max(session, highest) }

    /// The epoch of a segment; nil if it is stale.
    mutating func admit(_ epoch: UInt32?) -> UInt32? {
        guard let epoch else { return current }
        guard epoch > 0 else { return 0 }
        guard epoch >= current else { return nil }
        highest = epoch
        return epoch
    }

    /// Whether what was admitted has become stale.
    func isStale(_ epoch: UInt32) -> Bool { epoch != 0 && epoch < session }

    /// The epoch that an interruption raises the session's to; nil if that would not rise.
    func target(ofInterruptionTo epoch: UInt32?) -> UInt32? {
        guard let epoch else { return current < .max ? current + 1 : nil }
        return epoch > session ? epoch : nil
    }

    /// The session's epoch has risen. False if it has not.
    mutating func raise(to epoch: UInt32) -> Bool {
        guard epoch > session else { return false }
        session = epoch
        return true
    }
}
