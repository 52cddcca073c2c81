import Sluice

/// Says what is wrong with what comes, each thing once and no more than a peer that sends nothing else is worth.
final class Complaints {
    private let context: NodeContext
    private let refused: CounterMetric
    private let staleSegments: CounterMetric
    private var said = 0
    private var isStaleRun = false

    static let most = 100

    init(_ context: NodeContext) {
        self.context = context
        refused = context.counter("refused")
        staleSegments = context.counter("stale_segments")
    }

    func say(_ what: String) {
        refused.add()
        said += 1
        if said <= Complaints.most { context.log(.warning, what) }
        if said == Complaints.most { context.log(.warning, "further ones are counted as refused") }
    }

    /// A writer that has not heard of the interruption sends several; the first of them is told.
    func stale(_ what: String) {
        staleSegments.add()
        if !isStaleRun { context.log(.warning, what) }
        isStaleRun = true
    }

    /// A segment was taken.
    func endRun() { isStaleRun = false }
}
