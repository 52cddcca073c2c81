import Synchronization

/// The current epoch of a session. Only rises; one atomic store makes everything older stale.
@usableFromInline final class EpochCell: Sendable {
    private let value = Atomic<UInt32>(1)

    init() {}

    var current: UInt32 { value.load(ordering: .relaxed) }

    /// Raises the epoch by one, or to `epoch` where that is higher. False if `epoch` is not above the current one.
    @discardableResult
    func raise(to epoch: UInt32? = nil) -> Bool {
        var current = value.load(ordering: .relaxed)
        while true {
            let next = epoch ?? current &+ 1
            guard next > current else { return false }
            let (exchanged, original) = value.weakCompareExchange(
                expected: current, desired: next, ordering: .sequentiallyConsistent)
            if exchanged { return true }
            current = original
        }
    }
}

/// The epochs as one dispatch sees them: each cell is read once, so that all inputs of a node agree, and what `peek`
/// has shown is not stale when `next` hands it out. A wake for `.epoch` follows where one is raised meanwhile. The
/// cells outlive it.
struct EpochView {
    private let ownCell: Unmanaged<EpochCell>
    /// Of the node's session.
    let own: UInt32
    private var otherCell: Unmanaged<EpochCell>?
    private var other: UInt32 = 0

    init(_ cell: EpochCell) {
        ownCell = .passUnretained(cell)
        own = cell.current
    }

    /// An edge from the parent session carries the parent's.
    mutating func epoch(of cell: EpochCell) -> UInt32 {
        let asked = Unmanaged.passUnretained(cell)
        if asked.toOpaque() == ownCell.toOpaque() { return own }
        if otherCell?.toOpaque() != asked.toOpaque() {
            otherCell = asked
            other = cell.current
        }
        return other
    }
}
