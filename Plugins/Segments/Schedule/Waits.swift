import Sluice

/// Fences and drains that wait for their answer. Pure.
///
/// A fence is passed when all segments that came before it have gone out, or were interrupted, and what went out has
/// left the edges behind the node. A drain also waits until their planned end. Only one fence can stand in the outputs:
/// those that are due together share one, later ones wait for the next.
struct Waits {
    enum Kind: Equatable {
        case fence(MessageID)
        case drain(MessageID?, deadline: Instant)
    }

    struct Wait: Equatable {
        let kind: Kind
        let peer: Int
        /// Segments with lower numbers come before it.
        let behind: Int
        /// Something was interrupted meanwhile.
        var wasInterrupted = false
        fileprivate(set) var isInOutputs = false
    }

    struct Answer: Equatable {
        let wait: Wait
        /// False for a drain whose time is up.
        let isComplete: Bool
    }

    private var waits: [Wait] = []

    var isEmpty: Bool { waits.isEmpty }

    /// Fences and drains of one peer that may wait at a time.
    static let most = 64

    /// False if so many of that peer wait that this one is refused.
    @discardableResult
    mutating func add(_ kind: Kind, from peer: Int, behind number: Int) -> Bool {
        guard waits.count(where: { $0.peer == peer }) < Waits.most else { return false }
        waits.append(Wait(kind: kind, peer: peer, behind: number))
        return true
    }

    mutating func noteInterruption() { for index in waits.indices { waits[index].wasInterrupted = true } }

    mutating func forget(_ peer: Int) { waits.removeAll { $0.peer == peer } }

    /// When the next drain's time is up.
    var deadline: Instant? {
        waits.compactMap { wait -> Instant? in
            if case .drain(_, let deadline) = wait.kind { deadline } else { nil }
        }.min()
    }

    /// - Parameters:
    ///   - oldest: the number of the oldest segment that has not gone out.
    ///   - isOver: nothing is planned any more.
    ///   - outputsPassed: the fence that stands in the outputs is passed, or none stands there.
    /// - Returns: what is to be answered, and whether a fence is to be placed now; then call again.
    mutating func look(_ now: Instant, oldest: Int?, isOver: Bool, outputsPassed: Bool) -> (
        answers: [Answer], placesFence: Bool
    ) {
        var answers: [Answer] = []
        waits.removeAll { wait in
            if wait.isInOutputs && outputsPassed {
                answers.append(Answer(wait: wait, isComplete: true))
                return true
            }
            if case .drain(_, let deadline) = wait.kind, deadline <= now {
                answers.append(Answer(wait: wait, isComplete: false))
                return true
            }
            return false
        }
        guard outputsPassed else { return (answers, false) }
        var places = false
        for index in waits.indices where !waits[index].isInOutputs {
            let wait = waits[index]
            guard oldest.map({ $0 >= wait.behind }) ?? true else { continue }
            if case .drain = wait.kind, !isOver { continue }
            waits[index].isInOutputs = true
            places = true
        }
        return (answers, places)
    }
}
