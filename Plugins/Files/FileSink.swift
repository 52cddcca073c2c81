import Glibc
import LibAV
import Sluice

/// The file that a recording goes to. It is emptied when the first byte is written, not before: a graph that does not
/// start leaves an older recording as it was.
final class FileSink: ByteSink {
    let path: String
    private let descriptor: Int32
    private let isRegular: Bool
    private let wasCreated: Bool
    private var hasWritten = false
    private(set) var bytesWritten: Int64 = 0
    private var position: Int64 = 0

    /// Throws what is wrong with the path.
    init(_ path: String) throws {
        func fail(_ what: String, _ advice: String = "") -> NodeError {
            NodeError("cannot write \"\(path)\": \(what)", advice: advice, isInputError: true)
        }
        guard !path.isEmpty else { throw fail("the path is empty", "Name a file ending in \(Container.endings).") }
        guard !path.utf8.contains(0) else { throw fail("the path holds a zero byte") }
        let flags = O_WRONLY | O_CLOEXEC | O_NONBLOCK
        var opened = open(path, flags | O_CREAT | O_EXCL, 0o666)
        wasCreated = opened >= 0
        if opened < 0 && errno == EEXIST { opened = open(path, flags) }
        guard opened >= 0 else {
            switch errno {
            case ENOENT: throw fail("its directory does not exist", "Make the directory first.")
            case ENXIO: throw fail("it is a FIFO that nobody reads", "Start the reader first.")
            default: throw fail(String(cString: strerror(errno)))
            }
        }
        var status = stat()
        fstat(opened, &status)
        isRegular = status.st_mode & S_IFMT == S_IFREG
        if let use = OpenFiles.otherUse(of: opened) {
            close(opened)
            throw fail("this run \(use == .reading ? "reads" : "writes") that file already", "Write to another file.")
        }
        // Only the opening was not to wait.
        _ = fcntl(opened, F_SETFL, fcntl(opened, F_GETFL) & ~O_NONBLOCK)
        self.path = path
        descriptor = opened
    }

    deinit {
        close(descriptor)
        if wasCreated && !hasWritten { unlink(path) }
    }

    var isSeekable: Bool { isRegular }
    /// A cluster, or a fragment, goes out with one write: who is killed between two would leave half of one.
    var blockSize: Int { 1 << 20 }

    func write(_ bytes: UnsafeRawBufferPointer) -> Int32 {
        if !hasWritten && isRegular && ftruncate(descriptor, 0) != 0 { return errno }
        hasWritten = true
        var done = 0
        while done < bytes.count {
            let count = Glibc.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
            if count < 0 {
                if errno == EINTR { continue }
                return errno
            }
            done += count
            position += Int64(count)
            bytesWritten = max(bytesWritten, position)
        }
        return 0
    }

    /// Takes back what a failed write left behind the first `count` bytes.
    func cut(to count: Int64) {
        guard isRegular, count < bytesWritten, ftruncate(descriptor, Int(count)) == 0 else { return }
        bytesWritten = count
    }

    func seek(to offset: Int64) -> Bool {
        guard lseek(descriptor, Int(offset), SEEK_SET) >= 0 else { return false }
        position = offset
        return true
    }
}
