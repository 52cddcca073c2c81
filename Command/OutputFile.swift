import Glibc
@_spi(Host) import Sluice

/// A file that is opened before the work begins, so that a path that cannot be written is said then and not afterwards.
struct OutputFile: ~Copyable {
    private let path: String
    private let file: WrittenFile

    /// `option` named it. Its contents stay until `write`.
    init(_ path: String, for option: String, _ arguments: Arguments) throws(UsageError) {
        self.path = path
        do { file = try WrittenFile.open(path, isShared: true) } catch {
            let isUnread = error.errno == ENXIO
            let system = isUnread ? "nobody reads that FIFO" : errorText(error.errno)
            throw arguments.error(
                "\(option) \(path): the file cannot be written: \(error.errno == 0 ? error.reason : system).",
                error.errno == 0
                    ? error.advice
                    : isUnread
                        ? "Start its reader first." : "Name one in a directory that exists and that you may write in.")
        }
    }

    /// Replaces what the file holds, and closes it. Once.
    mutating func write(_ text: String) throws(NodeError) {
        var text = text
        let written = text.withUTF8 { file.write(UnsafeRawBufferPointer($0)) }
        let closed = file.close()
        guard written == 0, closed == 0 else {
            throw NodeError("\(path): the file could not be written: \(errorText(written == 0 ? closed : written)).")
        }
    }
}
