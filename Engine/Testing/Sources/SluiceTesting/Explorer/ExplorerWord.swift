/// A shared word that stops its thread before every access, so that an `Explorer` decides the order.
public struct ExplorerWord: ~Copyable, Sendable {
    private let cell: Int

    /// A word of the present exploration. Made in its program, before the threads run.
    public init(_ value: Int) { cell = Explorer.current.makeCell(value) }
    /// An acquiring load.
    public borrowing func load() -> Int { Explorer.current.load(cell) }
    /// A relaxed load, which this model orders as every other.
    public borrowing func loadRelaxed() -> Int { Explorer.current.load(cell) }
    /// A releasing store. Under `.storeBuffers` it waits in the thread's buffer.
    public borrowing func store(_ value: Int) { Explorer.current.store(cell, value) }
    /// A relaxed store, which this model orders as every other.
    public borrowing func storeRelaxed(_ value: Int) { Explorer.current.store(cell, value) }
    /// True where the word was `expected` and is `desired` now. Waits for the thread's buffer.
    public borrowing func compareExchange(expected: Int, desired: Int) -> Bool {
        Explorer.current.update(cell) { $0 == expected ? desired : $0 } == expected
    }
    /// Returns the value before. Waits for the thread's buffer.
    public borrowing func exchange(_ value: Int) -> Int { Explorer.current.update(cell) { _ in value } }
    /// Sets `bits` and returns the value before. Waits for the thread's buffer.
    public borrowing func formUnion(_ bits: Int) -> Int { Explorer.current.update(cell) { $0 | bits } }
    /// A sequential load: on x86 a plain one.
    public borrowing func loadSequential() -> Int { Explorer.current.load(cell) }
    /// On x86 a store that the whole machine sees before anything after it: an exchange.
    public borrowing func storeSequential(_ value: Int) { _ = Explorer.current.update(cell) { _ in value } }
    /// Waits for the thread's buffer, as `mfence` does.
    public static func fence() { Explorer.current.fence() }

    /// Stops the thread until another makes the word something else than 0.
    public borrowing func awaitNonzero() { Explorer.current.awaitNonzero(cell) }
}
