import Synchronization

/// One word of memory that two threads share.
///
/// `HardwareWord` is the real one. The test kit's interleaving explorer supplies another that yields before every
/// access, so that it explores the very code of `Ring` and not a copy of it. Orderings follow C++: `load` acquires,
/// `store` releases, `compareExchange` does both, `fence` is sequentially consistent.
@usableFromInline protocol AtomicWord: ~Copyable {
    init(_ value: Int)
    borrowing func load() -> Int
    borrowing func loadRelaxed() -> Int
    borrowing func store(_ value: Int)
    borrowing func storeRelaxed(_ value: Int)
    /// True if the word was `expected` and is now `desired`.
    borrowing func compareExchange(expected: Int, desired: Int) -> Bool
    /// Sets the word and returns what it was.
    borrowing func exchange(_ value: Int) -> Int
    /// Sets bits and returns what the word was.
    borrowing func formUnion(_ bits: Int) -> Int
    /// Of all accesses named so, and those that read and write in one, every thread sees one order.
    borrowing func loadSequential() -> Int
    borrowing func storeSequential(_ value: Int)
    /// Orders everything before it with everything after it, for all threads.
    static func fence()
}

/// A word of the machine's memory.
@frozen
@usableFromInline struct HardwareWord: AtomicWord, ~Copyable {
    @usableFromInline let word: Atomic<Int>

    @inlinable @inline(__always)
    init(_ value: Int) { word = Atomic(value) }
    @inlinable @inline(__always)
    borrowing func load() -> Int { word.load(ordering: .acquiring) }
    @inlinable @inline(__always)
    borrowing func loadRelaxed() -> Int { word.load(ordering: .relaxed) }
    @inlinable @inline(__always)
    borrowing func store(_ value: Int) { word.store(value, ordering: .releasing) }
    @inlinable @inline(__always)
    borrowing func storeRelaxed(_ value: Int) { word.store(value, ordering: .relaxed) }
    @inlinable @inline(__always)
    borrowing func compareExchange(expected: Int, desired: Int) -> Bool {
        word.compareExchange(
            expected: expected, desired: desired, successOrdering: .sequentiallyConsistent, failureOrdering: .acquiring
        ).exchanged
    }
    @inlinable @inline(__always)
    borrowing func exchange(_ value: Int) -> Int { word.exchange(value, ordering: .sequentiallyConsistent) }
    @inlinable @inline(__always)
    borrowing func formUnion(_ bits: Int) -> Int {
        word.bitwiseOr(bits, ordering: .sequentiallyConsistent).oldValue
    }
    @inlinable @inline(__always)
    borrowing func loadSequential() -> Int { word.load(ordering: .sequentiallyConsistent) }
    @inlinable @inline(__always)
    borrowing func storeSequential(_ value: Int) { word.store(value, ordering: .sequentiallyConsistent) }
    @inlinable @inline(__always)
    static func fence() { atomicMemoryFence(ordering: .sequentiallyConsistent) }
}
