import CLibAV

/// A failure of a libav call: its negative code and libav's own words for it.
public struct AVError: Error, Equatable, CustomStringConvertible, Sendable {
    /// Negative, as libav returns it.
    public let code: Int32

    /// `code` is negative, as libav returns it.
    public init(_ code: Int32) { self.code = code }

    /// `No space left on device`, `Invalid data found when processing input`.
    public var description: String { AVError.text(code) }

    /// AVERROR_EOF: nothing more comes.
    public static let endOfFile = sluice_averror_eof()
    /// More input, or more room, is wanted first.
    public static let again = sluice_averror_again()
    /// Ended by an interrupt callback.
    public static let exit = sluice_averror_exit()
    /// AVERROR_INVALIDDATA: the bytes are not what they should be.
    public static let invalidData = sluice_averror_invalid_data()

    /// libav's words for a code: `No space left on device`.
    public static func text(_ code: Int32) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
            sluice_err2str(code, buffer.baseAddress!, buffer.count)
            return String(cString: buffer.baseAddress!)
        }
    }

    /// Throws where `code` is negative, else gives it back.
    @discardableResult
    public static func check(_ code: Int32) throws(AVError) -> Int32 {
        guard code >= 0 else { throw AVError(code) }
        return code
    }
}

/// libav writes to stderr unless told otherwise. Every wrapper here silences it first; errors reach the user as
/// `NodeError`s instead. Call it before using libav without a wrapper.
public enum LibAVLog {
    private static let silenced: Void = sluice_log_quiet()
    /// Once for the process; from any thread.
    public static func silence() { silenced }

    /// The error that `body` throws, with the gravest that libav told on this thread meanwhile, in its own words and on
    /// one line; "" where it told nothing. A code alone seldom says why: an encoder without its driver gives "Unknown
    /// error".
    public static func gravest<Result>(
        during body: () throws -> Result, otherwise: (_ error: any Error, _ words: String) -> Result
    ) -> Result {
        silence()
        sluice_log_listen(1)
        defer { sluice_log_listen(0) }
        do { return try body() } catch {
            let lines = String(cString: sluice_log_heard()).split(whereSeparator: \.isNewline)
            let words = lines.first.map(String.init) ?? ""
            return otherwise(error, words.hasSuffix(".") ? String(words.dropLast()) : words)
        }
    }
}
