import Glibc
import Sluice

/// The part of `record` that writes data: a file of JSON Lines that grows by whole lines, so nothing is lost when the
/// process dies.
struct DataRecording {
    private let sink: FileSink
    private let path: String
    private(set) var lines = 0
    private var batch = ""

    init(to sink: FileSink, path: String) { (self.sink, self.path) = (sink, path) }

    /// Writes what the input hands out, with one call of the system. Throws `NodeError` where the file takes no more.
    mutating func write(from input: Input<DataItem>) throws {
        batch.removeAll(keepingCapacity: true)
        var count = 0
        while let item = input.next() {
            batch += DataLines.line(item)
            count += 1
        }
        guard count > 0 else { return }
        let whole = sink.bytesWritten
        let code = batch.withUTF8 { sink.write(UnsafeRawBufferPointer($0)) }
        guard code == 0 else {
            sink.cut(to: whole)
            throw NodeError(
                "writing \"\(path)\" failed after \(lines) lines: \(errorText(code))",
                advice: code == ENOSPC || code == EDQUOT ? "Free some space." : "")
        }
        lines += count
    }

    /// Data and media do not share a file: which of them belong elsewhere. nil where all fit.
    static func misfit(_ container: Container, path: String, media: [InputPort], data: InputPort) -> NodeError? {
        let takesData = container == .jsonl
        guard let wrong = takesData ? media.first : data.isConnected ? data : nil else { return nil }
        return NodeError(
            "\(container.rawValue) takes \(takesData ? "data alone" : "no data"); \(wrong.spec.name) is connected for \"\(path)\"",
            advice: takesData
                ? "Give audio and video a record of their own, to a file ending in .mkv, say."
                : "Give data a record of its own, to a file ending in .jsonl.", isInputError: true)
    }
}
