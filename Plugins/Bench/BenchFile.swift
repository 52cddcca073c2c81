import Glibc
import Sluice

/// A file that is written in order; what does not go out is an error of the node.
final class BenchFile {
    private let path: String
    private let file: UnsafeMutablePointer<FILE>

    init(_ path: String) throws {
        self.path = path
        guard let file = fopen(path, "wb") else { throw BenchFile.failure(path, "cannot be written") }
        self.file = file
    }

    deinit { fclose(file) }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        guard fwrite(bytes.baseAddress, 1, bytes.count, file) == bytes.count else {
            throw BenchFile.failure(path, "cannot be written to")
        }
    }

    func write(_ text: String) throws {
        var text = text
        try text.withUTF8 { try write(UnsafeRawBufferPointer($0)) }
    }

    /// What the library holds goes out.
    func flush() throws {
        guard fflush(file) == 0 else { throw BenchFile.failure(path, "cannot be written to") }
    }

    private static func failure(_ path: String, _ what: String) -> NodeError {
        NodeError("\(path) \(what): \(errorText(errno))", advice: "Name a file in a directory with room, in \"path\".")
    }
}
