/// Jobs that wait for a worker: finals before partials, each in the order in which they came. Bounded. Pure.
///
/// A stream has one partial job at most: a newer one replaces it, and a final one makes it needless.
struct DecodeQueue<Job> {
    private struct Waiting {
        let stream: Int
        let job: Job
    }

    let capacity: Int
    private var finals: [Waiting] = []
    private var partials: [Waiting] = []

    init(capacity: Int) { self.capacity = max(1, capacity) }

    var hasFinals: Bool { !finals.isEmpty }
    var count: Int { finals.count + partials.count }

    /// Whether it was taken, and the jobs that gave way.
    mutating func add(_ job: Job, stream: Int, isFinal: Bool) -> (isTaken: Bool, replaced: [Job]) {
        var replaced = remove(partialsOf: stream)
        guard finals.count < capacity, isFinal || partials.count < capacity else { return (false, replaced) }
        if isFinal {
            if count >= capacity, !partials.isEmpty { replaced.append(partials.removeFirst().job) }
            finals.append(Waiting(stream: stream, job: job))
        } else {
            guard count < capacity else { return (false, replaced) }
            partials.append(Waiting(stream: stream, job: job))
        }
        return (true, replaced)
    }

    mutating func next() -> Job? {
        if !finals.isEmpty { return finals.removeFirst().job }
        return partials.isEmpty ? nil : partials.removeFirst().job
    }

    /// All of a stream: it ends.
    mutating func remove(stream: Int) -> [Job] {
        let gone = finals.filter { $0.stream == stream }.map(\.job)
        finals.removeAll { $0.stream == stream }
        return gone + remove(partialsOf: stream)
    }

    private mutating func remove(partialsOf stream: Int) -> [Job] {
        let gone = partials.filter { $0.stream == stream }.map(\.job)
        partials.removeAll { $0.stream == stream }
        return gone
    }
}
