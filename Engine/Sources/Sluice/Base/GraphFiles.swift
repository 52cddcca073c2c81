import CSys
import Glibc

/// Why a file could not be read: a clause without a full stop.
@_spi(Host) public struct FileProblem: Error, Equatable, Sendable {
    public var reason: String
    public init(_ reason: String) { self.reason = reason }
}

/// The file system as graph loading sees it.
@_spi(Host) public struct GraphFiles: Sendable {
    /// The bytes of a regular file of at most `GraphFiles.maximumSize`; throws `FileProblem`.
    public var read: @Sendable (String) throws -> [UInt8]
    /// The names in a directory; empty where it cannot be read.
    public var list: @Sendable (String) -> [String]

    public init(
        read: @escaping @Sendable (String) throws -> [UInt8], list: @escaping @Sendable (String) -> [String]
    ) {
        self.read = read
        self.list = list
    }

    /// Bytes.
    public static let maximumSize = 16 << 20

    public static let system = GraphFiles(read: readSystemFile, list: listSystemDirectory)
}

private func errorText() -> FileProblem {
    switch errno {
    case ENOENT, ENOTDIR: return FileProblem("there is no such file")
    case EACCES, EPERM: return FileProblem("it may not be read")
    default:
        var buffer = [CChar](repeating: 0, count: 128)
        sys_error_text(errno, &buffer, buffer.count)
        return FileProblem(String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
    }
}

private func readSystemFile(_ path: String) throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw errorText() }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw errorText() }
    guard status.st_mode & S_IFMT == S_IFREG else {
        throw FileProblem(status.st_mode & S_IFMT == S_IFDIR ? "it is a directory" : "it is not a regular file")
    }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count <= GraphFiles.maximumSize {
        let count = Glibc.read(descriptor, &chunk, chunk.count)
        if count < 0 {
            if errno == EINTR { continue }
            throw errorText()
        }
        if count == 0 { return bytes }
        bytes += chunk.prefix(count)
    }
    throw FileProblem("it is larger than \(GraphFiles.maximumSize >> 20) MiB")
}

private func listSystemDirectory(_ path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        names.append(name)
    }
    return names
}
