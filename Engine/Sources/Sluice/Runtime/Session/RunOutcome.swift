/// How a run ended, as the report says it.
@_spi(Host) public enum RunOutcome: String, Sendable {
    /// Every node has nothing left to do.
    case finished
    /// It was asked to stop, or `--for` was over, and drained.
    case stopped
    /// The graph's own session ended with an error, or nodes missed the stop deadline.
    case failed
}
