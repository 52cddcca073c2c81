import Sluice

/// Lines about what strangers do: the first few are said, then they are counted, and the count is said from time to
/// time. So nobody outside fills log and events. Pure.
struct LogLimiter {
    private let most: Int
    private let period: Interval
    private var began: Instant?
    private var said = 0
    /// Not said since `began`.
    private var unsaid = 0

    /// At most `most` lines in each `period`.
    init(most: Int = 8, period: Interval = .seconds(10)) { (self.most, self.period) = (most, period) }

    enum Verdict: Equatable {
        case say
        /// Not this one; it is counted.
        case keep
    }

    mutating func judge(_ now: Instant, count: Int = 1) -> Verdict {
        if began.map({ now - $0 >= period && unsaid == 0 }) ?? true { (began, said) = (now, 0) }
        guard said < most else {
            unsaid += count
            return .keep
        }
        said += 1
        unsaid += count - 1
        return .say
    }

    /// How many were not said, once their period is over; 0 where there is nothing to tell.
    mutating func takeUnsaid(_ now: Instant, atEnd: Bool = false) -> Int {
        guard let began, unsaid > 0, atEnd || now - began >= period else { return 0 }
        defer { (self.began, said, unsaid) = (now, 0, 0) }
        return unsaid
    }

    /// When `takeUnsaid` has something.
    var due: Instant? { unsaid > 0 ? began.map { $0 + period } : nil }
}
