import Sluice

/// Says what is wrong with what comes, each thing once and no more than a peer that sends nothing else is worth.
final class Complaints {
    private let context: NodeContext
    private let refused: Metric.Counter
    private let staleSegments: Metric.Counter
    private var said = 0
    private var isStaleRun = false

    static let most = 100

    init(_ context: NodeContext) {
        self.context = context
        refused = context.counter("refused")
        staleSegments = context.counter("stale_segments")
    }

    /// Something was read over.
    func refuse(_ what: String) {
        refused.add()
        say(what)
    }

    func say(_ what: String) {
        said += 1
        if said <= Complaints.most { context.log(.warning, what) }
        if said == Complaints.most { context.log(.warning, "what else is wrong is only counted") }
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
