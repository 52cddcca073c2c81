import Glibc

extension WrittenFile {
    /// The effect of a file that is there already on one that is to be written: a choice for parameters.
    public enum Existing: String, CaseIterable, Sendable {
        /// `number` in an instance of a template, whose names others choose; `replace` in the graph itself.
        case auto
        /// It stays, and the new one gets a name of its own: `tape.2.webm`.
        case number
        /// It is emptied when the first byte is written.
        case replace
        /// It stays, and nothing is written.
        case fail

        /// Never `auto`.
        public func resolved(inInstance: Bool) -> Existing { self == .auto ? inInstance ? .number : .replace : self }
    }
}

/// A file that one writer has for itself. Neither another node nor another process that uses this type writes it
/// meanwhile: flock(2) holds it. File systems without locks go without. It is emptied by the first byte, not before: a
/// graph that does not start leaves an older file as it was. A FIFO or a device is written as it is. One thread at a
/// time.
public final class WrittenFile {
    /// Why a path cannot be written: a clause without a full stop, and advice.
    public struct Refusal: Error, Equatable, Sendable {
        /// A clause without a full stop: "it is there already".
        public let reason: String
        /// Advice in whole sentences. Empty where there is nothing to say.
        public let advice: String
        /// The system's reason to refuse it; 0 where it is another.
        public let errno: Int32
        /// Another writer has it.
        let isTaken: Bool

        init(_ reason: String, _ advice: String = "", errno: Int32 = 0, isTaken: Bool = false) {
            (self.reason, self.advice, self.errno, self.isTaken) = (reason, advice, errno, isTaken)
        }
    }

    /// The name that was taken: with `number` it may differ from the one that was asked for.
    public let path: String
    /// −1 once it is closed.
    public private(set) var descriptor: Int32
    /// False of a FIFO, a device or a socket, which is written as it is.
    public let isRegular: Bool
    private let wasCreated: Bool
    private var isBegun = false

    /// Another descriptor of this process writes the regular file behind `descriptor`: a node that reads it would read
    /// half of it. Looks at every open file, a few microseconds each. From any thread.
    public static func isWritten(beside descriptor: Int32) -> Bool {
        OpenFiles.otherUse(of: descriptor) == .writing
    }

    /// Opens `path` and takes it; of a FIFO the reader must be there. `part` is the first number that is tried, 1 for
    /// the plain name. `isShared` takes a file that this process has open, as `/dev/stdout` may be.
    public static func open(
        _ path: String, ifExists: Existing = .replace, part: Int = 1, isShared: Bool = false
    ) throws(Refusal) -> WrittenFile {
        guard !path.isEmpty else { throw Refusal("the path is empty", "Name a file.") }
        guard !path.utf8.contains(0) else { throw Refusal("the path holds a zero byte") }
        for number in part..<(part + mostParts) {
            let name = self.part(number, of: path)
            let found = kind(name)
            if found == .full && ifExists == .fail {
                throw Refusal("it is there already", "Remove it, or choose another file or another \"if_exists\".")
            }
            if found == .full && ifExists == .number { continue }
            do { return try WrittenFile(name, isShared) } catch {
                guard error.isTaken && ifExists == .number && found != .other else { throw error }
            }
        }
        throw Refusal("\(mostParts) files of that name are there already", "Move them, or choose another name.")
    }

    private static let mostParts = 10_000

    private init(_ path: String, _ isShared: Bool) throws(Refusal) {
        // A file that is removed between the opening and the lock is opened anew.
        for _ in 0..<100 {
            let (opened, isNew) = try WrittenFile.open(path)
            do throws(Refusal) {
                guard try WrittenFile.take(opened, at: path, isShared) else {
                    Glibc.close(opened)
                    continue
                }
            } catch {
                Glibc.close(opened)
                throw error
            }
            // Only the opening was not to wait.
            _ = fcntl(opened, F_SETFL, fcntl(opened, F_GETFL) & ~O_NONBLOCK)
            self.path = path
            descriptor = opened
            isRegular = WrittenFile.isRegular(opened)
            wasCreated = isNew
            return
        }
        throw Refusal("another process removes it again and again")
    }

    /// A file to which nothing was written is removed if it was made for this.
    deinit {
        guard descriptor >= 0 else { return }
        if wasCreated && !isBegun { unlink(path) }
        unlock()
        Glibc.close(descriptor)
    }

    // MARK: Writing

    /// Empties the file, once. Returns 0 or errno. For those who write to `descriptor` themselves.
    public func begin() -> Int32 {
        guard !isBegun else { return 0 }
        if isRegular && ftruncate(descriptor, 0) != 0 { return errno }
        isBegun = true
        return 0
    }

    /// Writes all of `bytes`. Returns 0 or errno.
    public func write(_ bytes: UnsafeRawBufferPointer) -> Int32 {
        let code = begin()
        guard code == 0, let base = bytes.baseAddress else { return code }
        var done = 0
        while done < bytes.count {
            let count = Glibc.write(descriptor, base + done, bytes.count - done)
            if count >= 0 { done += count } else if errno != EINTR { return errno }
        }
        return 0
    }

    /// Gives the file back. Some file systems find out only then that they have no room: returns 0 or errno.
    public func close() -> Int32 {
        guard descriptor >= 0 else { return 0 }
        if wasCreated && !isBegun { unlink(path) }
        defer { descriptor = -1 }
        unlock()
        return Glibc.close(descriptor) == 0 || errno == EINTR ? 0 : errno
    }

    /// A child that another thread starts just now holds the descriptor too until its `exec`: closing it here would
    /// leave the lock to the child.
    private func unlock() { flock(descriptor, LOCK_UN) }

    /// The fate of a file while it is written.
    public enum Whereabouts: Sendable {
        /// It has its name.
        case inPlace
        /// Its name leads to another file, or to none, and it has another name or is out of reach.
        case moved
        /// Nobody can open it any more: what is written is lost when it is closed.
        case removed

        /// A sentence on a file that was begun at `path`, without a full stop. nil while it is there.
        public func words(of path: String) -> String? {
            switch self {
            case .inPlace: nil
            case .moved: "\"\(path)\" was moved while it was written: what is written is not there"
            case .removed: "\"\(path)\" was removed while it was written: what was written is lost"
            }
        }
    }

    /// Looks at the file and at its path: two calls of the system. `inPlace` of a FIFO or a device, and once it is
    /// closed.
    public var whereabouts: Whereabouts {
        var (here, there) = (stat(), stat())
        guard isRegular, descriptor >= 0, fstat(descriptor, &here) == 0 else { return .inPlace }
        if here.st_nlink == 0 { return .removed }
        guard stat(path, &there) == 0 else { return .moved }
        return here.st_ino == there.st_ino && here.st_dev == there.st_dev ? .inPlace : .moved
    }

    // MARK: Names

    /// `tape.2.webm` of `tape.webm`; a path to something that is no regular file stays as it is.
    static func part(_ number: Int, of path: String) -> String {
        guard number > 1, kind(path) != .other else { return path }
        let start = path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex
        let dot = path[start...].lastIndex(of: ".").flatMap { $0 > start ? $0 : nil } ?? path.endIndex
        return "\(path[..<dot]).\(number)\(path[dot...])"
    }

    private enum Kind {
        /// Nothing is there, or a file without a byte.
        case free
        case full
        /// No regular file.
        case other
    }

    private static func kind(_ path: String) -> Kind {
        var status = stat()
        guard stat(path, &status) == 0 else { return .free }
        guard status.st_mode & S_IFMT == S_IFREG else { return .other }
        return status.st_size > 0 ? .full : .free
    }

    // MARK: Taking

    private static func open(_ path: String) throws(Refusal) -> (descriptor: Int32, isNew: Bool) {
        let flags = O_WRONLY | O_CLOEXEC | O_NONBLOCK
        let made = Glibc.open(path, flags | O_CREAT | O_EXCL, 0o666)
        if made >= 0 { return (made, true) }
        let isThere = errno == EEXIST
        let opened = isThere ? Glibc.open(path, flags) : -1
        if opened >= 0 { return (opened, false) }
        let code = errno
        switch code {
        case ENOENT where isThere: throw Refusal("it is a link to a file that is not there", "Remove the link.")
        case ENOENT: throw Refusal("its directory does not exist", "Make the directory first.", errno: code)
        case ENXIO:
            let reason = isFIFO(path) ? "it is a FIFO that nobody reads" : "it is a socket"
            throw Refusal(reason, "Start the reader first.", errno: code)
        default: throw Refusal(errorText(code), errno: code)
        }
    }

    /// False where the file has lost its name meanwhile.
    private static func take(_ descriptor: Int32, at path: String, _ isShared: Bool) throws(Refusal) -> Bool {
        guard isRegular(descriptor) else { return true }
        if !isShared, let use = OpenFiles.otherUse(of: descriptor) {
            throw Refusal(
                "this run \(use == .reading ? "reads" : "writes") that file already", "Write to another file.",
                isTaken: use == .writing)
        }
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            guard errno == EWOULDBLOCK else { break }
            throw Refusal(
                "another process writes that file", "Write to another file, or end the other process first.",
                isTaken: true)
        }
        var (here, there) = (stat(), stat())
        guard fstat(descriptor, &here) == 0, stat(path, &there) == 0 else { return false }
        return here.st_ino == there.st_ino && here.st_dev == there.st_dev
    }

    private static func isFIFO(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
    }

    private static func isRegular(_ descriptor: Int32) -> Bool {
        var status = stat()
        return fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }
}
