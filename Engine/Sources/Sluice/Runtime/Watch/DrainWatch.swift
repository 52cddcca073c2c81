/// While the graph drains: whether anything still moves.
struct DrainWatch {
    enum Step { case interrupt, abandon }
    private var progress = -1
    private var stillSince: Int64 = 0
    private var isInterrupted = false

    /// Of a graph that drains. `deadline` is how long it may stand still.
    mutating func look(_ snapshot: RunSnapshot, deadline: Interval) -> Step? {
        let moved =
            snapshot.edges.reduce(0) { $0 + $1.popped + $1.dropped + $1.flushed }
            + snapshot.nodes.count(where: \.isDone)
        if moved != progress {
            progress = moved
            stillSince = snapshot.now
            return nil
        }
        let still = snapshot.now - stillSince
        if !isInterrupted && still >= deadline.nanoseconds {
            isInterrupted = true
            stillSince = snapshot.now
            return .interrupt
        }
        return isInterrupted && still >= 1_000_000_000 ? .abandon : nil
    }
}
