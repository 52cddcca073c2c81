import Glibc
import Sluice

/// One file of texts, in the order of their times. A text behind all others is appended at once. Where one comes before
/// others, `settle` writes the file anew from there on: once for all that came together, and at most every 5 s where
/// that is more than a mebibyte. One lane only.
final class TextFile {
    /// Bytes behind a late text that are written anew at once.
    static let little = 1 << 20
    static let pause = Interval.seconds(5)

    private let file: WrittenFile
    private let format: TextFormat
    /// Bytes of the file up to the end of each text; those of texts before `stale` are as the book has them.
    private var ends: [Int] = []
    /// The first text that is not where the book has it.
    private var stale: Int?
    private var due = Instant(nanoseconds: 0)
    private var size = 0
    /// Bytes that were written, those that were written again included.
    private(set) var written = 0

    init(_ file: WrittenFile, _ format: TextFormat) { (self.file, self.format) = (file, format) }

    var path: String { file.path }
    var count: Int { ends.count }
    /// A text may still be put in front of others. A pipe gets it behind them.
    var goesBack: Bool { file.isRegular }

    /// The next text, and its place in the book, which has it already. Throws where the file takes no more.
    func write(_ text: Transcript, _ place: TranscriptBook.Place) throws {
        switch place {
        case .none: return
        case .within(let index) where goesBack: stale = min(stale ?? index, index)
        case .within: if !text.text.isEmpty { try append(text) }
        case .last: try append(text)
        }
    }

    private func append(_ text: Transcript) throws {
        let entry = (size == 0 ? format.header : "") + format.entry(text, number: count + 1)
        try write(entry)
        size += entry.utf8.count
        ends.append(size)
    }

    /// Puts late texts in their places. Gives when to call it again; nil where nothing is left to do. Throws where the
    /// file takes no more.
    func settle(_ book: TranscriptBook, now: Instant, isLast: Bool = false) throws -> Instant? {
        guard let first = stale else { return nil }
        let start = first == 0 ? min(size, format.header.utf8.count) : ends[first - 1]
        if !isLast, size - start > TextFile.little, now < due { return due }
        (stale, due) = (nil, now + TextFile.pause)
        try rewrite(book, from: first, at: start)
        return nil
    }

    private func rewrite(_ book: TranscriptBook, from first: Int, at start: Int) throws {
        guard lseek(file.descriptor, off_t(start), SEEK_SET) >= 0 else { throw failure(errno) }
        ends.removeSubrange(first...)
        var (rest, end) = ("", start)
        for (index, text) in book.texts.enumerated().dropFirst(first) {
            let entry = format.entry(text, number: index + 1)
            rest += entry
            end += entry.utf8.count
            ends.append(end)
        }
        try write(rest)
        size = end
        // Cut last, so that a run that is killed meanwhile loses no text.
        guard ftruncate(file.descriptor, off_t(size)) == 0 else { throw failure(errno) }
    }

    private func write(_ text: String) throws {
        var text = text
        let code = text.withUTF8 { file.write(UnsafeRawBufferPointer($0)) }
        guard code == 0 else { throw failure(code) }
        written += text.utf8.count
    }

    private func failure(_ code: Int32) -> NodeError {
        NodeError(
            "writing \"\(file.path)\" failed after \(count) texts: \(errorText(code))",
            advice: code == ENOSPC || code == EDQUOT ? "Free some space." : "")
    }

    /// The header alone where no text came, so that the file is one of its kind.
    func close() throws {
        if size == 0, !format.header.isEmpty { try write(format.header) }
        if size == 0, format.header.isEmpty { _ = file.begin() }
        if let words = file.whereabouts.words(of: file.path) { throw NodeError(words) }
        let code = file.close()
        guard code == 0 else { throw failure(code) }
    }
}
