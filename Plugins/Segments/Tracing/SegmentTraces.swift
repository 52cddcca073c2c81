import Sluice
import Synchronization

/// Where segment nodes and trace nodes of one run meet. From any thread.
final class SegmentTraces: Sendable {
    private struct State {
        var book = TraceBook()
        var owners: [UInt16: NodeContext.Handle] = [:]
        var lines: [TraceBook.Line] = []
        var hasSenders = false
    }

    private let state = Mutex(State())

    /// A segment node takes part, whose frames carry this number as their clock.
    func register(_ node: NodeContext.Handle, clock: UInt16) { state.withLock { $0.owners[clock] = node } }

    /// A trace node stands where pictures are sent.
    func noteSender() { state.withLock { $0.hasSenders = true } }
    var hasSenders: Bool { state.withLock { $0.hasSenders } }

    func open(_ entry: TraceBook.Entry) { state.withLock { $0.book.open(entry) } }

    func note(_ work: (inout TraceBook) -> [TraceBook.Line]) {
        state.withLock { state in
            let lines = work(&state.book)
            state.lines += lines
            for clock in Set(lines.map(\.clock)) { state.owners[clock]?.post() }
        }
    }

    /// The lines that were written for this clock since the last call.
    func take(_ clock: UInt16) -> [TraceBook.Line] {
        state.withLock { state in
            guard !state.lines.isEmpty else { return [] }
            let mine = state.lines.filter { $0.clock == clock }
            state.lines.removeAll { $0.clock == clock }
            return mine
        }
    }
}
