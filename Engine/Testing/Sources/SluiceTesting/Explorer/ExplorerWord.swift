/// A shared word that stops its thread before every access, so that an `Explorer` decides the order.
public struct ExplorerWord: ~Copyable, Sendable {
    private let cell: Int

    public init(_ value: Int) { cell = Explorer.current.makeCell(value) }
    public borrowing func load() -> Int { Explorer.current.load(cell) }
    public borrowing func loadRelaxed() -> Int { Explorer.current.load(cell) }
    public borrowing func store(_ value: Int) { Explorer.current.store(cell, value) }
    public borrowing func storeRelaxed(_ value: Int) { Explorer.current.store(cell, value) }
    public borrowing func compareExchange(expected: Int, desired: Int) -> Bool {
        Explorer.current.update(cell) { $0 == expected ? desired : $0 } == expected
    }
    public borrowing func exchange(_ value: Int) -> Int { Explorer.current.update(cell) { _ in value } }
    public borrowing func formUnion(_ bits: Int) -> Int { Explorer.current.update(cell) { $0 | bits } }
    public borrowing func loadSequential() -> Int { Explorer.current.load(cell) }
    /// On x86 a store that the whole machine sees before anything after it: an exchange.
    public borrowing func storeSequential(_ value: Int) { _ = Explorer.current.update(cell) { _ in value } }
    public static func fence() { Explorer.current.fence() }

    /// Stops the thread until another makes the word something else than 0.
    public borrowing func awaitNonzero() { Explorer.current.awaitNonzero(cell) }
}
