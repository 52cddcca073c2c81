import Glibc
import Sluice

/// The part of `record` that writes data: files of JSON Lines that grow by whole lines, so nothing is lost when the
/// process dies.
struct DataRecording {
    private let series: FileSeries
    private let context: NodeContext
    private let bytes: Metric.Counter
    private let files: Metric.Counter
    private var sink: FileSink
    private var grid: SegmentGrid?
    private var lines = 0
    private var batch = ""
    private var batched = 0
    private var bytesBefore = 0

    /// `grid`: when a file ends and the next one begins.
    init(_ series: FileSeries, first: FileSink, _ grid: SegmentGrid?, _ context: NodeContext) {
        (self.series, sink, self.grid, self.context) = (series, first, grid, context)
        bytes = context.counter("bytes")
        files = context.counter("files")
    }

    /// Writes what the input hands out, with one call of the system for each file. Throws `NodeError` where the file
    /// takes no more.
    mutating func write(from input: Input<DataItem>, now: Instant) throws {
        defer { bytes.set(bytesBefore + Int(sink.bytesWritten)) }
        while let item = input.next() {
            if lines + batched > 0, grid?.isDue(item.header.pts) == true {
                try writeBatch(now)
                try end()
                bytesBefore += Int(sink.bytesWritten)
                (sink, lines) = (try series.open(), 0)
            }
            if lines + batched == 0 {
                sink = try series.renewed(sink)
                grid?.begin(at: item.header.pts)
                files.set(series.count)
            }
            batch += DataLines.line(item)
            batched += 1
        }
        try writeBatch(now)
    }

    private mutating func writeBatch(_ now: Instant) throws {
        guard batched > 0 else { return }
        defer {
            batch.removeAll(keepingCapacity: true)
            batched = 0
        }
        let whole = sink.bytesWritten
        let code = batch.withUTF8 { sink.write(UnsafeRawBufferPointer($0)) }
        guard code == 0 else {
            sink.cut(to: whole)
            throw NodeError(
                "writing \"\(sink.path)\" failed after \(lines) lines: \(errorText(code))",
                advice: code == ENOSPC || code == EDQUOT ? "Free some space." : "")
        }
        lines += batched
        guard case .low(let free) = try series.look(sink, now: now) else { return }
        try end()
        throw series.refusal(free: free, of: sink.path, whole: ": the file is whole, and ends")
    }

    /// Everything has come.
    mutating func finish() throws {
        guard lines > 0 else {
            return context.log(.warning, "nothing arrived: \"\(sink.path)\" is not written")
        }
        try end(isLast: true)
    }

    /// `isLast`: no file follows it.
    private func end(isLast: Bool = false) throws {
        let (identity, place) = (sink.identity, sink.whereabouts)
        let code = sink.close()
        guard code == 0 else { throw NodeError("writing \"\(sink.path)\" failed: \(errorText(code))") }
        try series.ended(sink, identity)
        if let words = place.words(of: sink.path) {
            guard place != .removed || !isLast else { throw NodeError(words) }
            context.log(.warning, words)
        }
        guard place != .removed else { return }
        context.log(.info, "wrote \(sink.path): \(lines) lines, \(FileSink.size(sink.bytesWritten))")
    }

    /// Data and media do not share a file: which of them belong elsewhere. nil where all fit.
    static func misfit(_ container: Container, path: String, media: [InputPort], data: InputPort) -> NodeError? {
        let takesData = container == .jsonl
        guard let wrong = takesData ? media.first : data.isConnected ? data : nil else { return nil }
        return NodeError(
            "\(container.rawValue) takes \(takesData ? "data alone" : "no data"); \(wrong.name) is connected for \"\(path)\"",
            advice: takesData
                ? "Give audio and video a record of their own, to a file ending in .mkv, say."
                : "Give data a record of its own, to a file ending in .jsonl.", isInputError: true)
    }
}
