import Sluice
import Spool

/// Which batch is written next, and when one that was not is tried again. Pure: time and chance are arguments.
///
/// Batches go in order, so many at a time. A server that cannot be reached, or has no time, is left alone for 1 s,
/// twice as long each time up to a minute, or as long as it says; that is no fault of a batch, which waits for as long
/// as it takes. One that was answered wrongly, or in halves, or not in time, is tried again after 1 s up to five
/// minutes, and is dead after eight tries.
struct BatchSchedule {
    struct ID: Hashable, Sendable {
        /// By the order in which they were found.
        var session: Int
        var key: SpoolJob.Key
    }

    static let tries = 8

    private struct Waiting {
        let id: ID
        var tries: Int
        var due: Instant?
        var backoff = Backoff(least: 1, most: 300)
    }

    /// At a time.
    let most: Int
    private var waiting: [Waiting] = []
    private var running: [Waiting] = []
    private var pause = Backoff(least: 1, most: 60)
    /// The server is left alone until then.
    private(set) var blocked: Instant?

    init(most: Int) { self.most = max(1, most) }

    var isEmpty: Bool { waiting.isEmpty && running.isEmpty }
    var isIdle: Bool { running.isEmpty }
    var count: Int { waiting.count + running.count }

    /// One more, that was tried so often.
    mutating func add(_ id: ID, tries: Int) { waiting.append(Waiting(id: id, tries: tries)) }

    /// The next one that is to be written now.
    mutating func next(_ now: Instant) -> ID? {
        guard running.count < most, blocked.map({ $0 <= now }) ?? true else { return nil }
        // While it is not known whether the server answers, one asks for all.
        guard blocked == nil || running.isEmpty else { return nil }
        guard let index = waiting.firstIndex(where: { $0.due.map { $0 <= now } ?? true }) else { return nil }
        running.append(waiting.remove(at: index))
        return running[running.count - 1].id
    }

    /// It is written. True where the server answers again.
    mutating func written(_ id: ID) -> Bool {
        running.removeAll { $0.id == id }
        return answered()
    }

    /// The server has no answer for any. True where that is news.
    mutating func unreachable(_ id: ID, wish: Interval?, _ now: Instant, chance: Double) -> Bool {
        let isNews = blocked == nil
        giveBack(id)
        // Those that were under way meanwhile say nothing new.
        if isNews || (blocked ?? now) <= now { blocked = now + pause.next(chance: chance, wish: wish) }
        return isNews
    }

    /// There is no text of it. True where it is dead: it is not tried again.
    mutating func failed(_ id: ID, wish: Interval?, isFinal: Bool, _ now: Instant, chance: Double) -> Bool {
        _ = answered()
        guard let index = running.firstIndex(where: { $0.id == id }) else { return false }
        var job = running.remove(at: index)
        job.tries += 1
        guard job.tries < BatchSchedule.tries, !isFinal else { return true }
        job.due = now + job.backoff.next(chance: chance, wish: wish)
        insert(job)
        return false
    }

    private mutating func answered() -> Bool {
        defer { blocked = nil }
        pause.reset()
        return blocked != nil
    }

    private mutating func giveBack(_ id: ID) {
        guard let index = running.firstIndex(where: { $0.id == id }) else { return }
        insert(running.remove(at: index))
    }

    /// In its place: batches keep their order.
    private mutating func insert(_ job: Waiting) {
        let place =
            waiting.firstIndex { ($0.id.session, $0.id.key.first) > (job.id.session, job.id.key.first) }
            ?? waiting.count
        waiting.insert(job, at: place)
    }

    /// When `next` has something; never is the distant future.
    var wake: Instant {
        guard running.count < most, !waiting.isEmpty else { return .distantFuture }
        if let blocked { return running.isEmpty ? blocked : .distantFuture }
        return waiting.map { $0.due ?? Instant(nanoseconds: 0) }.min() ?? .distantFuture
    }
}
