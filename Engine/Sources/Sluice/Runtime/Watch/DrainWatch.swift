/// While a graph or an instance drains: whether anything still moves. Pure.
struct DrainWatch {
    enum Step { case interrupt, abandon }
    private var progress = -1
    private var stillSince: Int64 = 0
    private var isInterrupted = false

    /// `moved` counts what has left edges, and nodes that are done, in whatever drains. `deadline` is how long it may
    /// stand still.
    mutating func look(moved: Int, now: Int64, deadline: Interval) -> Step? {
        if moved != progress {
            progress = moved
            stillSince = now
            return nil
        }
        let still = now - stillSince
        if !isInterrupted && still >= deadline.nanoseconds {
            isInterrupted = true
            stillSince = now
            return .interrupt
        }
        return isInterrupted && still >= DrainWatch.grace ? .abandon : nil
    }

    /// For a node that was interrupted, in nanoseconds.
    private static let grace: Int64 = 1_000_000_000
}

extension RunSnapshot {
    /// Of the whole run, for `DrainWatch`.
    var moved: Int {
        edges.reduce(0) { $0 + $1.popped + $1.dropped + $1.flushed } + nodes.count(where: \.isDone)
    }
}
