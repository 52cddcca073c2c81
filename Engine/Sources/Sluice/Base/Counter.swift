import Synchronization

/// A number that one thread adds to and any thread reads: a plain load and store, no locked instruction.
@frozen
public struct Counter: ~Copyable, Sendable {
    @usableFromInline let value: Atomic<Int>

    @inlinable
    public init() { value = Atomic(0) }

    @inlinable @inline(__always)
    public func add(_ amount: Int) { value.store(value.load(ordering: .relaxed) &+ amount, ordering: .relaxed) }

    @inlinable @inline(__always)
    public func set(_ new: Int) { value.store(new, ordering: .relaxed) }

    @inlinable @inline(__always)
    public func raise(to new: Int) {
        if new > value.load(ordering: .relaxed) { value.store(new, ordering: .relaxed) }
    }

    @inlinable @inline(__always)
    public var count: Int { value.load(ordering: .relaxed) }
}
