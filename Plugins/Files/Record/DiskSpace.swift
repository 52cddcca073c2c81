import Glibc
import Sluice

/// Tells how much room a file has to grow: the system's way, or another one that a registry provides as a service.
struct DiskSpace: Sendable {
    /// Bytes that are free for this process on the file system of an open file; nil where nobody knows. Any thread.
    let free: @Sendable (_ descriptor: Int32) -> Int64?

    /// Asks fstatvfs(3), which takes a few microseconds.
    static let system = DiskSpace { descriptor in
        var all = statvfs()
        guard fstatvfs(descriptor, &all) == 0 else { return nil }
        let (bytes, isTooMuch) = Int64(clamping: all.f_bavail).multipliedReportingOverflow(
            by: Int64(clamping: all.f_frsize))
        return isTooMuch ? .max : bytes
    }
}

/// Looks from time to time whether the disk has room: other programs fill it too. Pure.
struct SpaceWatch {
    /// Bytes that are to stay free; 0: whatever there is.
    let least: Int64
    private var nextLook = Instant(nanoseconds: 0)
    private var nextBytes: Int64 = 0

    private static let period = Interval.milliseconds(500)

    init(least: Int64) { self.least = least }

    /// Whether it is time to look, `written` bytes into the present file. Also after an eighth of what is to stay free.
    mutating func isDue(_ now: Instant, written: Int64) -> Bool {
        guard least > 0, now >= nextLook || written >= nextBytes else { return false }
        nextLook = now + SpaceWatch.period
        nextBytes = written + max(1 << 16, least / 8)
        return true
    }

    /// The next file begins with its first byte.
    mutating func begin() { nextBytes = 0 }
}
