import CSys
import Synchronization

/// The process's standard streams and signals: Swift's strict concurrency refuses Glibc's.
public enum Console {
    /// To standard output: what was asked for. What does not go out is lost; `answerError` tells.
    public static func answer(_ text: String) {
        guard answerError == 0 else { return }
        failed.store(write(text, sys_write_stdout), ordering: .relaxed)
    }

    /// The errno of the answer that could not be written; 0 if all could.
    public static var answerError: Int32 { failed.load(ordering: .relaxed) }
    private static let failed = Atomic<Int32>(0)

    /// To standard error: progress, warnings, errors. Where nobody listens, it is lost.
    public static func say(_ text: String) { _ = write(text, sys_write_stderr) }

    /// Standard error is a terminal.
    public static var isTerminal: Bool { sys_stderr_is_terminal() }

    /// SIGINT and SIGTERM no longer end the process but are handed out by `nextTermination`. Returns a descriptor that
    /// is readable when one came, −1 where the kernel refuses. Call it before any thread starts.
    public static func catchTermination() -> Int32 { sys_termination_descriptor() }

    /// Takes one signal from that descriptor; 0 if none came.
    public static func nextTermination(_ descriptor: Int32) -> Int32 { sys_termination_next(descriptor) }

    /// Call it first in a process: a closed pipe and a file at its size limit become errors of a write instead of the
    /// end of the process, and nothing that is opened takes the place of a closed standard stream.
    public static func prepare() {
        sys_reserve_standard_streams()
        sys_fail_writes_softly()
    }

    private static func write(_ text: String, _ write: (UnsafeRawPointer?, Int) -> Int32) -> Int32 {
        var text = text
        return text.withUTF8 { write($0.baseAddress, $0.count) }
    }
}
