import Sluice

/// Refusals in few lines: one in 10 s, with the number of those since the last line. Pure.
struct RefusalWords {
    private static let pause = Interval.seconds(10)
    private var next = Instant(nanoseconds: 0)
    private var more = 0

    /// The line for the log; nil where one was said just now.
    mutating func line(_ sentence: String, now: Instant) -> String? {
        guard now >= next else {
            more += 1
            return nil
        }
        defer { (next, more) = (now + RefusalWords.pause, 0) }
        return more == 0 ? sentence : "\(sentence) (\(more) more were refused since the last line)"
    }
}
