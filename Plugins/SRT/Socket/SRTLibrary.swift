import CSRT
import Sluice

/// libsrt as a whole.
enum SRTLibrary {
    /// Once in the process. It is not ended: libsrt's threads may run until the exit.
    private static let isStarted: Bool = {
        let started = srt_startup() >= 0
        // Its lines would stand among the command's own; what matters comes back as an error.
        srt_setloghandler(nil) { _, _, _, _, _, _ in }
        return started
    }()

    static func start() throws {
        guard isStarted else { throw NodeError("libsrt does not start: \(lastError)") }
    }

    /// libsrt's words for what went wrong last on this thread.
    static var lastError: String { String(cString: srt_getlasterror_str()) }
}
