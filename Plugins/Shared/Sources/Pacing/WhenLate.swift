import Sluice

/// The answer of a source in real time to media that are late by more than `patience`, because what follows it, or its
/// own work, is too slow. The streams of one source follow one rule together, so that they never part.
public enum WhenLate: String, CaseIterable, ParameterValue.Convertible {
    /// Sends everything, so much later: nothing is lost, and the run lasts longer than its media. A stream that is held
    /// up holds the others.
    case slip
    /// Leaves out what is late: times stay right, and video or audio is missing.
    case drop
    /// Throws: the run fails.
    case fail

    /// As much lateness is let pass.
    public static let patience = Interval.milliseconds(500)
    /// For warnings and errors.
    public static let advice = "Lower size or fps, or make what follows faster."
}
