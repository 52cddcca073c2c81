import Glibc
import MPEGTS
import Sluice
import Synchronization

/// The bytes of a file, of the segments of a playlist, of standard input (`-`) or a FIFO, read by descriptor. A FIFO is
/// waited for without blocking for ever: every 100 ms the wait looks whether it is to end.
final class MediaFileReader: @unchecked Sendable {
    let path: String
    let isRegular: Bool
    let size: Int64
    private let descriptor: Int32
    private var segments: SegmentFiles?
    private let isInterrupted = Atomic<Bool>(false)
    private let shouldStop: () -> Bool
    /// Called when nothing has come for 100 ms, and when something has again.
    private let isWaiting: (Bool) -> Void
    private var isDry = false
    private(set) var bytesRead: Int64 = 0
    /// errno of a failed read; 0 while there is none.
    private(set) var failure: Int32 = 0
    private(set) var wasStopped = false
    /// Where the next byte stands.
    private var position: Int64 = 0
    /// The program maps of what is read; nil of what is no transport stream.
    private(set) var maps: TSMapWatch? = TSMapWatch()

    /// Throws what is wrong with the path. Never waits: a FIFO is opened without a writer.
    init(
        _ path: String, shouldStop: @escaping () -> Bool, isWaiting: @escaping (Bool) -> Void = { _ in }
    ) throws {
        func fail(_ what: String, _ advice: String = "") -> NodeError {
            NodeError("cannot open \"\(path)\": \(what)", advice: advice, isInputError: true)
        }
        guard !path.isEmpty else { throw fail("the path is empty", "Give a media file, \"pattern\" or \"tone\".") }
        guard !path.utf8.contains(0) else { throw fail("the path holds a zero byte") }
        let isInput = path == "-"
        guard !isInput || isatty(STDIN_FILENO) == 0 else {
            throw fail("standard input is a terminal", "Lead a file or another program's output there.")
        }
        // Standard input is shared with others, who may not expect that it does not wait.
        let opened =
            isInput
            ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : Glibc.open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard opened >= 0 else {
            let code = errno
            throw fail(errorText(code), code == ENOENT ? MediaFormats.advice(onMissing: path) : "")
        }
        var status = stat()
        fstat(opened, &status)
        let kind = status.st_mode & S_IFMT
        guard kind == S_IFREG || kind == S_IFIFO || kind == S_IFCHR || isInput && kind == S_IFSOCK else {
            close(opened)
            throw fail(kind == S_IFDIR ? "it is a directory" : "it is neither a file nor a FIFO", "Give a media file.")
        }
        guard !WrittenFile.isWritten(beside: opened) else {
            close(opened)
            throw fail("this run writes that file", "Open another file, or write to another one.")
        }
        var segments: SegmentFiles?
        do {
            if kind == S_IFREG { segments = try MediaFileReader.segments(path, opened, Int(status.st_size)) }
        } catch {
            close(opened)
            throw error
        }
        self.path = path
        self.shouldStop = shouldStop
        self.isWaiting = isWaiting
        self.segments = segments
        descriptor = opened
        isRegular = kind == S_IFREG
        size = segments?.size ?? Int64(status.st_size)
    }

    deinit {
        segments?.close()
        close(descriptor)
    }

    /// Of an HLS playlist, which has to be called one; nil of other files.
    private static func segments(_ path: String, _ descriptor: Int32, _ size: Int) throws -> SegmentFiles? {
        guard path.lowercased().hasSuffix(".m3u8"), size <= SegmentList.mostBytes else { return nil }
        var bytes = [UInt8](repeating: 0, count: size)
        let count = pread(descriptor, &bytes, size, 0)
        let list: SegmentList
        do throws(SegmentList.Fault) {
            list = try SegmentList(String(decoding: bytes.prefix(max(0, count)), as: UTF8.self))
        } catch .refused(let why) {
            throw NodeError(
                "\"\(path)\" is a playlist that \(why)", advice: "`source` reads HLS lists of segments beside them.",
                isInputError: true)
        } catch {
            return nil
        }
        return try SegmentFiles(list, beside: path)
    }

    /// Ends a wait. From any thread.
    func interrupt() { isInterrupted.store(true, ordering: .relaxed) }

    /// As many bytes as there are, at most `count`; 0 at the end, −1 on failure or when the wait was ended.
    func read(_ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int {
        while true {
            if !isRegular && !wait() { return -1 }
            let got = segments?.read(bytes, count) ?? Glibc.read(descriptor, bytes, count)
            if got >= 0 {
                maps?.feed(UnsafeRawBufferPointer(start: bytes, count: got), at: position)
                bytesRead += Int64(got)
                position += Int64(got)
                return got
            }
            if errno == EINTR || errno == EAGAIN { continue }
            failure = errno
            return -1
        }
    }

    /// Until there is something to read, or every writer has gone. False when the wait was ended.
    private func wait() -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while !isInterrupted.load(ordering: .relaxed) && !shouldStop() {
            if poll(&entry, 1, 100) > 0 {
                note(dry: false)
                return true
            }
            note(dry: true)
        }
        wasStopped = true
        return false
    }

    /// The samples of a WAV and the like, by its header; nil of other files, and where nobody knows.
    var samples: SampleChunk? {
        guard isRegular, segments == nil else { return nil }
        return SampleChunk(ofFileOf: size) { offset, count in
            var bytes = [UInt8](repeating: 0, count: count)
            let got = pread(descriptor, &bytes, count, Int(offset))
            return Array(bytes.prefix(max(0, got)))
        }
    }

    private func note(dry: Bool) {
        if dry != isDry { isWaiting(dry) }
        isDry = dry
    }

    /// It is no transport stream.
    func forgetMaps() { maps = nil }

    /// The new position; −1 where the file cannot.
    func seek(_ offset: Int64, _ whence: Int32) -> Int64 {
        let reached = move(offset, whence)
        if reached >= 0 { position = reached }
        return reached
    }

    private func move(_ offset: Int64, _ whence: Int32) -> Int64 {
        guard isRegular else { return -1 }
        guard let position = segments?.position else { return Int64(lseek(descriptor, Int(offset), whence)) }
        let from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? position : size
        let (target, overflow) = from.addingReportingOverflow(offset)
        return overflow || target < 0 ? -1 : segments?.seek(to: target) ?? -1
    }
}
