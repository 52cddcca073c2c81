import Glibc
import Sluice

/// Ends the wait of the port's thread. From any thread.
final class PortBell: Sendable {
    /// Readable once it has rung.
    let descriptor: Int32
    private let end: Int32

    init() throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw NodeError("there is no pipe for the port: \(errorText(errno))") }
        (descriptor, end) = (ends[0], ends[1])
        for end in ends {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
    }

    deinit {
        Glibc.close(descriptor)
        Glibc.close(end)
    }

    func ring() {
        var byte: UInt8 = 1
        _ = Glibc.write(end, &byte, 1)
    }

    func silence() {
        withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { room in
            while Glibc.read(descriptor, room.baseAddress, room.count) > 0 {}
        }
    }
}
