@_spi(Host) import Sluice

/// Signals that ask the process to end. `timeout` and a terminal that closes send two within a millisecond; so only one
/// that comes later than half a second after the first is a second wish.
struct Termination {
    enum Step: Equatable { case drain, endAtOnce, nothing }

    static let patience = Interval.milliseconds(500)
    private var first: Instant?

    mutating func heard(at now: Instant) -> Step {
        guard let first else {
            first = now
            return .drain
        }
        return now - first > Termination.patience ? .endAtOnce : .nothing
    }
}
