import Glibc
import Sluice

/// One file of texts. A text behind all others is appended; the file is written anew, in its place, where one comes
/// before others. One lane only.
final class TextFile {
    private let file: WrittenFile
    private let format: TextFormat
    private(set) var count = 0

    init(_ file: WrittenFile, _ format: TextFormat) { (self.file, self.format) = (file, format) }

    var path: String { file.path }
    /// A text may still be put in front of others. A pipe gets it behind them.
    var goesBack: Bool { file.isRegular }

    /// `book` has the text already. Throws where the file takes no more.
    func write(_ text: Transcript, _ place: TranscriptBook.Place, in book: TranscriptBook) throws {
        switch place {
        case .none: return
        case .last:
            let isFirst = count == 0
            count += 1
            try write((isFirst ? format.header : "") + format.entry(text, number: count))
        case .within where goesBack: try rewrite(book)
        case .within:
            guard !text.text.isEmpty else { return }
            count += 1
            try write(format.entry(text, number: count))
        }
    }

    private func rewrite(_ book: TranscriptBook) throws {
        guard lseek(file.descriptor, 0, SEEK_SET) == 0 else { throw failure(errno) }
        count = book.texts.count
        var all = format.header
        for (index, text) in book.texts.enumerated() { all += format.entry(text, number: index + 1) }
        try write(all)
        // Cut last, so that a run that is killed meanwhile loses no text.
        guard ftruncate(file.descriptor, off_t(all.utf8.count)) == 0 else { throw failure(errno) }
    }

    private func write(_ text: String) throws {
        var text = text
        let code = text.withUTF8 { file.write(UnsafeRawBufferPointer($0)) }
        guard code == 0 else { throw failure(code) }
    }

    private func failure(_ code: Int32) -> NodeError {
        NodeError(
            "writing \"\(file.path)\" failed after \(count) texts: \(errorText(code))",
            advice: code == ENOSPC || code == EDQUOT ? "Free some space." : "")
    }

    /// The header alone where no text came, so that the file is one of its kind.
    func close() throws {
        if count == 0, !format.header.isEmpty { try write(format.header) }
        if count == 0, format.header.isEmpty { _ = file.begin() }
        if let words = file.whereabouts.words(of: file.path) { throw NodeError(words) }
        let code = file.close()
        guard code == 0 else { throw failure(code) }
    }
}
