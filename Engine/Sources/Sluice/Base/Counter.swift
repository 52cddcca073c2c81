import Synchronization

/// A number that one thread adds to and any thread reads: a plain load and store, no locked instruction.
@frozen
@usableFromInline struct Counter: ~Copyable, Sendable {
    @usableFromInline let value: Atomic<Int>

    @inlinable
    init() { value = Atomic(0) }

    @inlinable @inline(__always)
    func add(_ amount: Int) { value.store(value.load(ordering: .relaxed) &+ amount, ordering: .relaxed) }

    @inlinable @inline(__always)
    func set(_ new: Int) { value.store(new, ordering: .relaxed) }

    @inlinable @inline(__always)
    func raise(to new: Int) {
        if new > value.load(ordering: .relaxed) { value.store(new, ordering: .relaxed) }
    }

    @inlinable @inline(__always)
    var count: Int { value.load(ordering: .relaxed) }
}
