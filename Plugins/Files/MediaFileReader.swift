import Glibc
import Sluice
import Synchronization

/// The bytes of a file, FIFO or socket, read by descriptor. A FIFO is waited for without blocking for ever: every 100
/// ms the wait looks whether it is to end.
final class MediaFileReader: @unchecked Sendable {
    let path: String
    let isRegular: Bool
    let size: Int64
    private let descriptor: Int32
    private let isInterrupted = Atomic<Bool>(false)
    private let shouldStop: () -> Bool
    /// Called when nothing has come for 100 ms, and when something has again.
    private let isWaiting: (Bool) -> Void
    private var isDry = false
    private(set) var bytesRead: Int64 = 0
    /// errno of a failed read; 0 while there is none.
    private(set) var failure: Int32 = 0
    private(set) var wasStopped = false

    /// Throws what is wrong with the path. Never waits: a FIFO is opened without a writer.
    init(
        _ path: String, shouldStop: @escaping () -> Bool, isWaiting: @escaping (Bool) -> Void = { _ in }
    ) throws {
        func fail(_ what: String, _ advice: String = "") -> NodeError {
            NodeError("cannot open \"\(path)\": \(what)", advice: advice, isInputError: true)
        }
        guard !path.isEmpty else { throw fail("the path is empty", "Give a media file, \"pattern\" or \"tone\".") }
        guard !path.utf8.contains(0) else { throw fail("the path holds a zero byte") }
        let opened = Glibc.open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard opened >= 0 else {
            let advice =
                errno == ENOENT
                ? "Give a media file, \"pattern\" or \"tone\"; paths are relative to the working directory." : ""
            throw fail(errorText(errno), advice)
        }
        var status = stat()
        fstat(opened, &status)
        let kind = status.st_mode & S_IFMT
        guard kind == S_IFREG || kind == S_IFIFO || kind == S_IFCHR else {
            close(opened)
            throw fail(kind == S_IFDIR ? "it is a directory" : "it is neither a file nor a FIFO", "Give a media file.")
        }
        guard !WrittenFile.isWritten(beside: opened) else {
            close(opened)
            throw fail("this run writes that file", "Open another file, or write to another one.")
        }
        self.path = path
        self.shouldStop = shouldStop
        self.isWaiting = isWaiting
        descriptor = opened
        isRegular = kind == S_IFREG
        size = Int64(status.st_size)
    }

    deinit { close(descriptor) }

    /// Ends a wait. From any thread.
    func interrupt() { isInterrupted.store(true, ordering: .relaxed) }

    /// As many bytes as there are, at most `count`; 0 at the end, −1 on failure or when the wait was ended.
    func read(_ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int {
        while true {
            if !isRegular && !wait() { return -1 }
            let got = Glibc.read(descriptor, bytes, count)
            if got >= 0 {
                bytesRead += Int64(got)
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

    private func note(dry: Bool) {
        if dry != isDry { isWaiting(dry) }
        isDry = dry
    }

    /// The new position; −1 where the file cannot.
    func seek(_ offset: Int64, _ whence: Int32) -> Int64 {
        isRegular ? Int64(lseek(descriptor, Int(offset), whence)) : -1
    }
}
