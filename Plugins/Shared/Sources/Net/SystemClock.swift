import Glibc
import Sluice

/// The machine's clocks. Read at the edges, where datagrams come: nodes are handed the time.
public enum SystemClock {
    /// CLOCK_MONOTONIC, which is the clock of a graph that runs under the system clock.
    public static var monotonic: Instant { Instant(nanoseconds: read(CLOCK_MONOTONIC)) }

    /// CLOCK_REALTIME: nanoseconds since 1970.
    public static var unixNanoseconds: Int64 { read(CLOCK_REALTIME) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
