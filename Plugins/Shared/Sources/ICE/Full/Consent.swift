import Sluice

/// The peer's consent to be sent to on the selected path (RFC 7675): asked for every 4 to 6 s, lost when 30 s have
/// brought no answer. It keeps the credentials that it was given under, also while a restart is under way.
struct Consent: Sendable {
    let path: ICEPath
    let local: ICECredentials
    let remote: ICECredentials
    let priority: UInt32
    private(set) var until: Instant
    private(set) var next: Instant
    /// Those of the last 30 s.
    private var asked: [(transaction: STUN.Transaction, time: Instant)] = []
    private let timeout: Interval

    init(
        _ path: ICEPath, local: ICECredentials, remote: ICECredentials, priority: UInt32, timeout: Interval,
        random: RandomBytes, now: Instant
    ) {
        (self.path, self.local, self.remote, self.priority) = (path, local, remote, priority)
        self.timeout = timeout
        until = now + timeout
        next = now + Consent.pause(random)
    }

    /// A transaction that is sent now.
    mutating func ask(random: RandomBytes, now: Instant) -> STUN.Transaction {
        let transaction = STUN.Transaction(random: random)
        asked.removeAll { now - $0.time >= timeout }
        asked.append((transaction, now))
        next = now + Consent.pause(random)
        return transaction
    }

    /// The round trip, where it is one of the questions.
    mutating func answered(_ transaction: STUN.Transaction, now: Instant) -> Interval? {
        guard let index = asked.firstIndex(where: { $0.transaction == transaction }) else { return nil }
        until = now + timeout
        return now - asked.remove(at: index).time
    }

    func isAsked(_ transaction: STUN.Transaction) -> Bool { asked.contains { $0.transaction == transaction } }

    /// 4 to 6 s, so that many peers do not ask in step (section 5.1).
    private static func pause(_ random: RandomBytes) -> Interval {
        var word: UInt64 = 0
        withUnsafeMutableBytes(of: &word) { random($0) }
        return .milliseconds(4_000 + Int64(word % 2_001))
    }
}
