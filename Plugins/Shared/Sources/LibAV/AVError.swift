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
