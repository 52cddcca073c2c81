import Net
import Sluice

/// Two candidates and what checks have shown of them (RFC 8445, section 6.1.2.6). None is frozen: that spares checks of
/// several components and streams, and here is one of each.
struct CandidatePair: Sendable {
    enum State: Sendable {
        case waiting
        /// The TCP connection is being opened.
        case connecting
        case checking
        case succeeded
        case failed
    }

    let path: ICEPath
    let localPriority: UInt32
    var remotePriority: UInt32
    var state = State.waiting
    /// Its TCP connection is open.
    var isConnected = false
    /// The peer, controlling, has chosen it before our own check came back.
    var isChosen = false

    var isTCP: Bool { path.remote.connection != nil }

    /// It may still succeed.
    var isOpen: Bool { state == .waiting || state == .connecting || state == .checking }

    /// Of the candidate that a check of ours may show to the peer (section 7.1.1).
    var reflexivePriority: UInt32 {
        let host = ICECandidate.Kind.host.preference
        return localPriority - (host - ICECandidate.Kind.peerReflexive.preference) << 24
    }

    /// Section 6.1.2.3.
    func priority(isControlling: Bool) -> UInt64 {
        let (controlling, controlled) =
            isControlling ? (localPriority, remotePriority) : (remotePriority, localPriority)
        // Ours is below 2^31, so the sum stays below 2^64.
        return UInt64(min(controlling, controlled)) << 32 &+ 2 &* UInt64(max(controlling, controlled))
            &+ (controlling > controlled ? 1 : 0)
    }
}

/// A check that was sent and may be answered (RFC 8489, section 6.2.1).
struct OutstandingCheck: Sendable {
    /// Requests before it is given up, and how long the last is waited for, in units of the first wait.
    static let most = 7
    static let lastWait: Int64 = 16

    let transaction: STUN.Transaction
    /// The place among the session's pairs.
    let pair: Int
    let isNominating: Bool
    let isControlling: Bool
    let isTCP: Bool
    let message: [UInt8]
    let begun: Instant
    let wait: Interval
    var sent = 1
    /// Another check has taken its place: it is sent no more, and an answer still counts.
    var isReplaced = false
    /// When it is sent again, or given up.
    var due: Instant

    /// The first is sent now. On TCP it is not sent again, and waited for as long (section 6.2.2).
    init(
        _ message: [UInt8], transaction: STUN.Transaction, pair: Int, isNominating: Bool, isControlling: Bool,
        isTCP: Bool, wait: Interval, now: Instant
    ) {
        (self.message, self.transaction, self.pair) = (message, transaction, pair)
        (self.isNominating, self.isControlling, self.isTCP) = (isNominating, isControlling, isTCP)
        (self.wait, begun) = (wait, now)
        // 1 + 2 + 4 + … + 32, and the last.
        due = now + (isTCP ? wait * ((1 << Int64(OutstandingCheck.most - 1)) - 1 + OutstandingCheck.lastWait) : wait)
    }

    var isLast: Bool { isTCP || isReplaced || sent >= OutstandingCheck.most }

    /// It is sent once more, now.
    mutating func again(now: Instant) {
        sent += 1
        due = now + (sent == OutstandingCheck.most ? wait * OutstandingCheck.lastWait : wait * (1 << Int64(sent - 1)))
    }
}
