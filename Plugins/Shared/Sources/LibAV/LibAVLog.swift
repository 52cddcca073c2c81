import CLibAV

/// libav writes to stderr unless told otherwise. Every wrapper here silences it first; errors reach the user as
/// `NodeError`s instead. Call it before using libav without a wrapper.
///
/// The words of a thread stand in a variable of the C shim, of which each object file has one of its own. So the calls
/// that touch it are never inlined into other files.
public enum LibAVLog {
    private static let silenced: Void = sluice_log_quiet()

    /// Once for the process; from any thread.
    @inline(never) public static func silence() { silenced }

    /// The error that `body` throws, with the gravest that libav told on this thread meanwhile, in its own words and on
    /// one line; "" where it told nothing. A code alone seldom says why: an encoder without its driver gives "Unknown
    /// error".
    public static func gravest<Result>(
        during body: () throws -> Result, otherwise: (_ error: any Error, _ words: String) -> Result
    ) -> Result {
        silence()
        // Some errors of devices are told as details.
        begin(AV_LOG_VERBOSE)
        do {
            let result = try body()
            _ = end()
            return result
        } catch { return otherwise(error, end()) }
    }

    /// The code that `body` gives, and the gravest that libav told on this thread meanwhile, if at least as grave as
    /// `level` (`AV_LOG_ERROR`); "" where it told nothing.
    static func listen(for level: Int32, during body: () -> Int32) -> (code: Int32, words: String) {
        begin(level)
        let code = body()
        return (code, end())
    }

    @inline(never) private static func begin(_ level: Int32) { sluice_log_listen(level) }

    @inline(never) private static func end() -> String {
        defer { sluice_log_listen(0) }
        let words = sluice_log_heard()!
        guard words.pointee != 0 else { return "" }
        let line = String(cString: words).split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
        return line.hasSuffix(".") ? String(line.dropLast()) : line
    }
}
