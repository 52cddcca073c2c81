import Sluice

extension BenchUDP {
    public static let metrics: [Metric] = [.counter("not_sent", "Datagrams that the kernel did not take.")]
}

extension BenchGuests {
    public static let metrics: [Metric] = [
        .histogram("start_us", "The time for one instance to start while all start at once."),
        .histogram("start_cpu_us", "The CPU time of the process for one instance to start."),
        .histogram("leave_us", "The time for one instance to leave while all leave at once."),
        .histogram("leave_cpu_us", "The CPU time of the process for one instance to leave."),
    ]
}

extension BenchSleeper {
    public static let metrics: [Metric] = [
        .histogram("wake_us", "The time from the raising of the epoch to the call of this node.")
    ]
}
