import Sluice

/// A file that gets one line of JSON after the other.
final class LineFile {
    private var file: WrittenFile?

    init(_ path: String, _ context: NodeContext) throws { file = try context.openFile(path) }

    /// Empties it. Returns what is wrong with it.
    func begin() -> String? { file.flatMap { said($0.begin()) } }

    /// Why it could not be written, once; nothing is written after that.
    func write(_ json: String) -> String? {
        guard let file else { return nil }
        var line = json + "\n"
        return said(line.withUTF8 { file.write(UnsafeRawBufferPointer($0)) })
    }

    private func said(_ code: Int32) -> String? {
        guard let file, code != 0 else { return nil }
        close()
        return "\(file.path) gets no more lines: \(errorText(code))"
    }

    func close() { file = nil }
}
