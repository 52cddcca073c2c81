/// Whether a lane that has nothing to do looks on for a moment before it sleeps.
///
/// Going to sleep and being woken costs both lanes ten to twenty microseconds, and on an idle core of a virtual machine
/// takes fifty. Where two lanes hand full edges to each other on two cores, the next work is there sooner. Where media
/// are paced every sleep is long, and no lane lingers. Where both lanes share one core lingering is in vain, and is
/// tried less and less: competitive spinning (Karlin, Li, Manasse and Owicki, "Empirical studies of competitive
/// spinning for a shared-memory multiprocessor", SOSP 1991). Two lanes that wake each other in turn are never awake
/// together, so the attempt after a failure is long enough for the other one to wake up and hand something over.
struct Lingering {
    /// Nanoseconds: about what a sleep and its end cost the two lanes.
    static let patience: Int64 = 20_000
    /// Nanoseconds: as long as the other lane may take to wake up and have work.
    static let probe: Int64 = 80_000
    /// Nanoseconds: a sleep shorter than that was not worth it.
    static let shortSleep: Int64 = 200_000

    private(set) var wasShort = false
    private var failures = 0
    private var skips = 0

    var isWorthwhile: Bool { wasShort && skips == 0 }
    var time: Int64 { failures == 0 ? Lingering.patience : Lingering.probe }

    mutating func worked() { failures = 0 }

    mutating func failed() {
        failures = min(failures + 1, 10)
        skips = 1 << failures
    }

    mutating func slept(_ time: Int64) {
        wasShort = time < Lingering.shortSleep
        if skips > 0 { skips -= 1 }
    }
}
