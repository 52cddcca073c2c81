import Glibc
import Sluice
import Synchronization

/// A directory of the system.
public final class DirectoryDisk: SpoolDisk {
    /// The directory, as it was given.
    public let root: String
    private let locks = Mutex<[String: Int32]>([:])

    /// It need not be there yet: `makeFolder("")` makes it.
    public init(_ root: String) { self.root = root }

    deinit { locks.withLock { for descriptor in $0.values { Glibc.close(descriptor) } } }

    private func whole(_ path: String) -> String { path.isEmpty ? root : "\(root)/\(path)" }

    private func fault(_ what: String, _ path: String, _ code: Int32 = errno) -> DiskFault {
        DiskFault(code, "\(what) \"\(whole(path))\" failed: \(errorText(code))")
    }

    private func open(_ path: String, _ flags: Int32, _ what: String) throws(DiskFault) -> Int32 {
        let descriptor = Glibc.open(whole(path), flags | O_CLOEXEC | O_NOFOLLOW, 0o666)
        guard descriptor >= 0 else { throw fault(what, path) }
        return descriptor
    }

    public func names(in folder: String) throws(DiskFault) -> [String] {
        guard let stream = opendir(whole(folder)) else {
            guard errno == ENOENT else { throw fault("reading", folder) }
            return []
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    public func makeFolder(_ path: String) throws(DiskFault) {
        var made = ""
        for part in whole(path).split(separator: "/", omittingEmptySubsequences: false) {
            made += made.isEmpty && part.isEmpty ? "/" : made.isEmpty || made == "/" ? "\(part)" : "/\(part)"
            guard made != "/", !made.isEmpty, mkdir(made, 0o777) != 0, errno != EEXIST else { continue }
            throw fault("making", path)
        }
    }

    public func read(_ path: String, most: Int) throws(DiskFault) -> [UInt8] {
        let descriptor = try open(path, O_RDONLY, "reading")
        defer { Glibc.close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw fault("reading", path, EINVAL)
        }
        var done = 0
        var code: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: min(most, Int(status.st_size))) { buffer, filled in
            while done < buffer.count {
                let count = Glibc.read(descriptor, buffer.baseAddress! + done, buffer.count - done)
                if count < 0, errno == EINTR { continue }
                if count < 0 { code = errno }
                guard count > 0 else { break }
                done += count
            }
            filled = done
        }
        guard code == 0 else { throw fault("reading", path, code) }
        return bytes
    }

    /// It is a directory.
    public func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(whole(path), &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    public func size(_ path: String) -> Int? {
        var status = stat()
        guard lstat(whole(path), &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int(status.st_size)
    }

    public func append(_ bytes: [UInt8], to path: String) throws(DiskFault) {
        let descriptor = try open(path, O_WRONLY | O_CREAT | O_APPEND, "writing")
        defer { Glibc.close(descriptor) }
        try put(bytes, descriptor, path)
    }

    public func write(_ bytes: [UInt8], to path: String, at offset: Int) throws(DiskFault) {
        let descriptor = try open(path, O_WRONLY | O_CREAT, "writing")
        defer { Glibc.close(descriptor) }
        guard lseek(descriptor, off_t(offset), SEEK_SET) >= 0 else { throw fault("writing", path) }
        try put(bytes, descriptor, path)
    }

    private func put(_ bytes: [UInt8], _ descriptor: Int32, _ path: String) throws(DiskFault) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + done, bytes.count - done) }
            if count >= 0 { done += count } else if errno != EINTR { throw fault("writing", path) }
        }
    }

    public func cut(_ path: String, to size: Int) throws(DiskFault) {
        guard truncate(whole(path), off_t(size)) == 0 else { throw fault("cutting", path) }
    }

    public func sync(_ path: String) throws(DiskFault) {
        let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
        for (name, flags) in [(path, O_RDONLY), (parent, O_RDONLY | O_DIRECTORY)] {
            let descriptor = Glibc.open(whole(name), flags | O_CLOEXEC)
            guard descriptor >= 0 else { throw fault("syncing", path) }
            defer { Glibc.close(descriptor) }
            // Some file systems know no fsync of a directory.
            guard fsync(descriptor) == 0 || errno == EINVAL else { throw fault("syncing", path) }
        }
    }

    public func rename(_ path: String, to other: String) throws(DiskFault) {
        guard Glibc.rename(whole(path), whole(other)) == 0 else { throw fault("renaming", path) }
    }

    public func remove(_ path: String) throws(DiskFault) {
        guard unlink(whole(path)) == 0 || errno == ENOENT else { throw fault("removing", path) }
    }

    public func lock(_ path: String) throws(DiskFault) -> Bool {
        let descriptor = try open(path, O_RDWR | O_CREAT, "opening")
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            Glibc.close(descriptor)
            guard code == EWOULDBLOCK else { throw fault("locking", path, code) }
            return false
        }
        if let old = locks.withLock({ $0.updateValue(descriptor, forKey: path) }) { Glibc.close(old) }
        return true
    }

    public func unlock(_ path: String) {
        if let descriptor = locks.withLock({ $0.removeValue(forKey: path) }) { Glibc.close(descriptor) }
    }
}
