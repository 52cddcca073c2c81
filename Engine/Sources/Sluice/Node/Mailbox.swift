import Synchronization

/// Words posted to a node from any thread, bounded and without allocation: how libraries with threads of their own and
/// no descriptor reach a lane. A multi-producer ring after Dmitry Vyukov's bounded MPMC queue: each cell carries a
/// sequence number that says whose turn it is.
public final class Mailbox: @unchecked Sendable {
    private struct Cell: ~Copyable {
        let sequence: Atomic<Int>
        let value = Atomic<UInt64>(0)
        init(_ position: Int) { sequence = Atomic(position) }
    }

    private let cells: UnsafeMutablePointer<Cell>
    private let mask: Int
    private let tail = Atomic<Int>(0)
    private var head = 0
    private weak var core: NodeCore?

    /// Posts that a mailbox holds before `post` says no.
    public static let capacity = 256

    init(core: NodeCore) {
        self.core = core
        mask = Mailbox.capacity - 1
        cells = .allocate(capacity: Mailbox.capacity)
        for index in 0..<Mailbox.capacity { (cells + index).initialize(to: Cell(index)) }
    }

    deinit {
        cells.deinitialize(count: Mailbox.capacity)
        cells.deallocate()
    }

    /// From any thread. False when the mailbox is full: the node is behind, and what it was told before wakes it anyway.
    @discardableResult
    public func post(_ word: UInt64 = 0) -> Bool {
        var position = tail.load(ordering: .relaxed)
        while true {
            let cell = cells + (position & mask)
            let difference = cell.pointee.sequence.load(ordering: .acquiring) - position
            if difference < 0 { return false }
            if difference == 0 {
                let (exchanged, original) = tail.weakCompareExchange(
                    expected: position, desired: position + 1, ordering: .relaxed)
                if exchanged {
                    cell.pointee.value.store(word, ordering: .relaxed)
                    cell.pointee.sequence.store(position + 1, ordering: .releasing)
                    core?.wake(.post)
                    return true
                }
                position = original
            } else {
                position = tail.load(ordering: .relaxed)
            }
        }
    }

    /// On the node's lane: the oldest word, nil when there is none.
    public func next() -> UInt64? {
        let cell = cells + (head & mask)
        guard cell.pointee.sequence.load(ordering: .acquiring) == head + 1 else { return nil }
        let word = cell.pointee.value.load(ordering: .relaxed)
        cell.pointee.sequence.store(head + mask + 1, ordering: .releasing)
        head += 1
        return word
    }
}
