import Glibc
import Sluice

/// A file that gets one line of JSON after the other.
final class LineFile {
    private let path: String
    private var descriptor: Int32

    /// Makes it, or empties it.
    init(_ path: String) throws {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            throw NodeError("cannot write to \(path): \(errorText(errno))", isInputError: true)
        }
        guard OpenFiles.otherUse(of: descriptor) == nil else {
            Glibc.close(descriptor)
            throw NodeError(
                "cannot write to \(path): this run uses that file already", advice: "Write to another file.",
                isInputError: true)
        }
        _ = ftruncate(descriptor, 0)
    }

    /// Why it could not be written, once; nothing is written after that.
    func write(_ json: String) -> String? {
        guard descriptor >= 0 else { return nil }
        var line = json + "\n"
        let isWhole = line.withUTF8 { text in
            var left = UnsafeRawBufferPointer(text)
            while !left.isEmpty {
                let count = Glibc.write(descriptor, left.baseAddress, left.count)
                if count > 0 {
                    left = UnsafeRawBufferPointer(rebasing: left.dropFirst(count))
                } else if errno != EINTR {
                    return false
                }
            }
            return true
        }
        guard !isWhole else { return nil }
        let reason = errorText(errno)
        close()
        return "\(path) gets no more lines: \(reason)"
    }

    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }
}
