import Glibc
import LibAV
import Sluice

/// The file that a recording goes to.
final class FileSink: ByteSink {
    /// A file by what the system knows it by, whatever its name is.
    struct Identity: Equatable {
        let device: dev_t, inode: ino_t

        init?(path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            (device, inode) = (status.st_dev, status.st_ino)
        }

        init?(descriptor: Int32) {
            var status = stat()
            guard fstat(descriptor, &status) == 0 else { return nil }
            (device, inode) = (status.st_dev, status.st_ino)
        }
    }

    private let file: WrittenFile
    /// As it was asked for: `path` may have a number besides.
    let name: String
    private(set) var bytesWritten: Int64 = 0
    private var position: Int64 = 0

    init(_ file: WrittenFile, name: String) { (self.file, self.name) = (file, name) }

    var path: String { file.path }
    /// -1 once it is closed.
    var descriptor: Int32 { file.descriptor }
    var identity: Identity? { file.isRegular ? Identity(descriptor: file.descriptor) : nil }
    var isSeekable: Bool { file.isRegular }
    /// A cluster, or a fragment, goes out with one write: who is killed between two would leave half of one.
    var blockSize: Int { 1 << 20 }

    func write(_ bytes: UnsafeRawBufferPointer) -> Int32 {
        let code = file.write(bytes)
        if code == 0 {
            position += Int64(bytes.count)
        } else if file.isRegular {
            position = Int64(lseek(file.descriptor, 0, SEEK_CUR))
        }
        bytesWritten = max(bytesWritten, position)
        return code
    }

    /// Takes back what a failed write left behind the first `count` bytes.
    func cut(to count: Int64) {
        guard file.isRegular, count < bytesWritten, ftruncate(file.descriptor, Int(count)) == 0 else { return }
        bytesWritten = count
    }

    /// Its fate so far.
    var whereabouts: WrittenFile.Whereabouts { file.whereabouts }

    /// Returns 0 or errno: some file systems find out only then that they have no room.
    func close() -> Int32 { file.close() }

    func seek(to offset: Int64) -> Bool {
        guard lseek(file.descriptor, Int(offset), SEEK_SET) >= 0 else { return false }
        position = offset
        return true
    }

    /// `812 kB`, for messages.
    static func size(_ bytes: Int64) -> String {
        bytes < 10_000
            ? "\(bytes) bytes" : bytes < 10_000_000 ? "\(bytes / 1_000) kB" : "\((Double(bytes) / 1e6).fixed(1)) MB"
    }
}
