import CSys
import Synchronization

/// The process's standard streams and signals: Swift's strict concurrency refuses Glibc's.
@_spi(Host) public enum Console {
    /// To standard output: the answer to the command. Text that does not go out is lost; `answerError` tells. Blocks.
    public static func answer(_ text: String) {
        guard answerError == 0 else { return }
        failed.store(write(text, sys_write_stdout), ordering: .relaxed)
    }

    /// The errno of the answer that could not be written; 0 if all could.
    public static var answerError: Int32 { failed.load(ordering: .relaxed) }
    private static let failed = Atomic<Int32>(0)

    /// To standard error: progress, warnings, errors. From any thread; it never waits for the reader. Where nobody
    /// reads, it is lost. `drain` before the process ends.
    public static func say(_ text: String) { lines.say(text) }

    /// Lines to standard error wait for their reader.
    public static var isBehind: Bool { lines.isBehind }

    /// Waits until what was said is written, for `limit` at most.
    public static func drain(within limit: Interval = .seconds(1)) { lines.drain(within: limit) }

    private static let lines = LineWriter { _ = write($0, sys_write_stderr) }

    /// Standard error is a terminal.
    public static var isTerminal: Bool { sys_stderr_is_terminal() }

    /// Characters in one of its lines; 80 where it does not say. It may change at any time.
    public static var columns: Int {
        let count = Int(sys_stderr_columns())
        return count > 0 ? count : 80
    }

    /// SIGINT, SIGTERM and SIGHUP (unless it is ignored, as under nohup) no longer end the process but are handed out
    /// by `nextTermination`. Returns a descriptor that is readable when one came, -1 where the kernel refuses. Call it
    /// before any thread starts that may take them.
    public static func catchTermination() -> Int32 { sys_termination_descriptor() }

    /// Takes one signal from that descriptor; 0 if none came.
    public static func nextTermination(_ descriptor: Int32) -> Int32 { sys_termination_next(descriptor) }

    /// Call it first in a process. A closed pipe and a file at its size limit become errors of a write instead of the
    /// end of the process. Nothing that is opened takes the place of a closed standard stream.
    public static func prepare() {
        sys_reserve_standard_streams()
        sys_fail_writes_softly()
        lines.start()
    }

    private static func write(_ text: String, _ write: (UnsafeRawPointer, Int) -> Int32) -> Int32 {
        var text = text
        return text.withUTF8 { bytes in bytes.baseAddress.map { write($0, bytes.count) } ?? 0 }
    }
}
