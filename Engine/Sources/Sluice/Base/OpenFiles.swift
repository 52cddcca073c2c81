import Glibc

/// The regular files that this process has open, so that a node does not write over what another one reads or writes.
///
/// Asked of the kernel, not kept: nodes of every plugin count, and so do the report and redirected standard streams.
enum OpenFiles {
    /// The use that a descriptor may make of its file. One for both counts as writing.
    enum Use: Sendable { case reading, writing }

    /// The use that another descriptor makes of the file behind `descriptor`, writing first; nil where no other has it
    /// open, or where it is no regular file. A few microseconds for each open file (proc_pid_fd(5)).
    static func otherUse(of descriptor: Int32) -> Use? {
        guard let file = identity(of: descriptor) else { return nil }
        var use: Use?
        for name in GraphFiles.system.list("/proc/self/fd") {
            guard let other = Int32(name), other != descriptor, let found = identity(of: other), found == file else {
                continue
            }
            guard fcntl(other, F_GETFL) & O_ACCMODE == O_RDONLY else { return .writing }
            use = .reading
        }
        return use
    }

    private static func identity(of descriptor: Int32) -> [UInt64]? {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return [UInt64(status.st_dev), UInt64(status.st_ino)]
    }
}
