import Sluice

/// A file that is written in pieces of 64 KiB. A failed write is an error of the call, or of `finish`.
final class BenchFile {
    private let file: WrittenFile
    private var held: [UInt8] = []
    private static let piece = 1 << 16

    init(_ path: String, _ context: NodeContext) throws {
        file = try context.openFile(path, ifExists: .replace)
        held.reserveCapacity(2 * BenchFile.piece)
    }

    func write(_ bytes: some Sequence<UInt8>) throws {
        held.append(contentsOf: bytes)
        if held.count >= BenchFile.piece { try flush() }
    }

    /// Writes what is held and closes the file. One that gets nothing is empty from then on.
    func finish() throws {
        try flush()
        try check(file.close())
    }

    private func flush() throws {
        defer { held.removeAll(keepingCapacity: true) }
        try check(held.withUnsafeBytes { file.write($0) })
    }

    private func check(_ code: Int32) throws {
        guard code != 0 else { return }
        throw NodeError(
            "\(file.path) cannot be written to: \(errorText(code))",
            advice: "The file keeps what was written before. Name a file in a directory with room.")
    }
}
