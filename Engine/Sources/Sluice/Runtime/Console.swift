import CSys

/// The process's standard streams and signals: Swift's strict concurrency refuses Glibc's.
public enum Console {
    /// To standard output: what was asked for.
    public static func answer(_ text: String) { write(text, sys_write_stdout) }

    /// To standard error: progress, warnings, errors.
    public static func say(_ text: String) { write(text, sys_write_stderr) }

    /// Standard error is a terminal.
    public static var isTerminal: Bool { sys_stderr_is_terminal() }

    /// For `RunOptions.terminationDescriptor`: SIGINT and SIGTERM no longer end the process but make it readable. Call it
    /// before any thread starts.
    public static func catchTermination() -> Int32 { sys_termination_descriptor() }

    /// A closed pipe becomes the error of a write instead of the end of the process.
    public static func ignoreClosedPipes() { sys_ignore_sigpipe() }

    private static func write(_ text: String, _ write: (UnsafeRawPointer?, Int) -> Void) {
        var text = text
        text.withUTF8 { write($0.baseAddress, $0.count) }
    }
}
