import Glibc
import Sluice

/// The segments of a list as one file: read by position, one open at a time.
struct SegmentFiles {
    private struct Part {
        var path: String
        /// Where it begins in the whole.
        var start: Int64
        var offset: Int64
        var length: Int64
    }

    private var parts: [Part] = []
    private(set) var size: Int64 = 0
    private(set) var position: Int64 = 0
    private var open: (index: Int, descriptor: Int32)?

    /// Looks at every segment. Throws what is wrong with one.
    init(_ list: SegmentList, beside path: String) throws {
        let folder = path.contains("/") ? String(path[...path.lastIndex(of: "/")!]) : ""
        for part in list.parts {
            let name = folder + part.name
            let descriptor = Glibc.open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW)
            let why = descriptor < 0 ? errorText(errno) : ""
            var status = stat()
            let isFile = descriptor >= 0 && fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
            let isWritten = isFile && WrittenFile.isWritten(beside: descriptor)
            if descriptor >= 0 { Glibc.close(descriptor) }
            guard isFile && !isWritten else {
                let what = isWritten ? "this run writes it" : why.isEmpty ? "it is no file" : why
                throw NodeError(
                    "\"\(path)\" is a playlist that names \"\(part.name)\": \(what)",
                    advice: "Put its segments beside it.", isInputError: true)
            }
            let left = max(0, Int64(status.st_size) - part.offset)
            let length = min(part.length ?? left, left)
            guard length > 0 else { continue }
            parts.append(Part(path: name, start: size, offset: part.offset, length: length))
            size += length
        }
    }

    /// As read(2); −1 sets errno.
    mutating func read(_ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int {
        guard position >= 0, position < size, let index = part(at: position) else { return 0 }
        let part = parts[index]
        if open?.index != index {
            close()
            let descriptor = Glibc.open(part.path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
            guard descriptor >= 0 else { return -1 }
            open = (index, descriptor)
        }
        let inside = position - part.start
        let wanted = min(Int64(count), part.length - inside)
        let got = pread(open?.descriptor ?? -1, bytes, Int(wanted), off_t(part.offset + inside))
        if got > 0 { position += Int64(got) }
        // It has become shorter: the rest is left out.
        if got == 0 { position = part.start + part.length }
        return got == 0 && position < size ? read(bytes, count) : got
    }

    mutating func seek(to offset: Int64) -> Int64 {
        position = max(0, offset)
        return position
    }

    private func part(at position: Int64) -> Int? {
        var (low, high) = (0, parts.count)
        while low < high {
            let middle = (low + high) / 2
            if parts[middle].start + parts[middle].length <= position { low = middle + 1 } else { high = middle }
        }
        return low < parts.count ? low : nil
    }

    mutating func close() {
        if let open { Glibc.close(open.descriptor) }
        open = nil
    }
}
