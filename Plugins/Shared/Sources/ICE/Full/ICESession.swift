import Net
import Sluice

/// All that belongs to one pair of credentials, from the descriptions to a selected path.
struct ICESession: Sendable {
    /// RFC 8445, section 6.1.2.5.
    static let mostPairs = 100

    let local: ICECredentials
    var remote: ICECredentials?
    var isRemoteLite = false
    var pairs: [CandidatePair] = []
    /// Pairs that the peer's own checks have shown, the first first.
    var triggered: [Int] = []
    var checks: [OutstandingCheck] = []
    /// No more candidates come.
    var isComplete = false
    /// A path was selected, or there is none. Only checks that answer those of a controlling peer follow.
    var isOver = false
    var begun: Instant?
    var nextPaced = Instant(nanoseconds: .min)
    var firstSuccess: Instant?

    // How far it has come.
    var hidden = 0
    var unusable = 0
    var sent = 0
    var tried: [ICERoute] = []
    var error: (route: ICERoute, code: Int)?

    init(local: ICECredentials) { self.local = local }

    /// The next pair to be checked: those that the peer has shown first, then by priority.
    mutating func nextPair(isControlling: Bool) -> Int? {
        while !triggered.isEmpty {
            let index = triggered.removeFirst()
            if pairs[index].state == .waiting { return index }
        }
        if isOver { return nil }
        return pairs.indices.filter { pairs[$0].state == .waiting }.max {
            pairs[$0].priority(isControlling: isControlling) < pairs[$1].priority(isControlling: isControlling)
        }
    }

    var hasWaiting: Bool { !triggered.isEmpty || !isOver && pairs.contains { $0.state == .waiting } }

    /// RFC 8445, section 14.3.
    func wait(pace: Interval) -> Interval {
        max(.milliseconds(500), pace * Int64(pairs.count { $0.state == .waiting || $0.state == .checking }))
    }

    func failure(within time: Interval) -> ICEFailure {
        if let best = pairs.first(where: { $0.state == .succeeded }) {
            return .notChosen(best.path.remote, within: time)
        }
        if let error { return .refused(error.route, code: error.code) }
        if tried.isEmpty { return .noCandidate(hidden: hidden, unusable: unusable) }
        return .noAnswer(tried, checks: sent, within: time)
    }
}
