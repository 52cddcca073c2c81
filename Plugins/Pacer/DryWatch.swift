/// Says once that a stream ran dry and once that it is back, however often it stutters in between.
struct DryWatch: Equatable {
    enum News: Equatable {
        case dry
        /// After so many frames of silence.
        case back(Int)
    }

    /// Frames of media in a row after which the stream is back: one second of them.
    let recovery: Int
    private var silent = 0
    private var played = 0

    init(recovery: Int) { self.recovery = recovery }

    mutating func note(isSilence: Bool) -> News? {
        if isSilence {
            silent += 1
            played = 0
            return silent == 1 ? .dry : nil
        }
        guard silent > 0 else { return nil }
        played += 1
        guard played >= recovery else { return nil }
        defer { silent = 0 }
        return .back(silent)
    }
}
