import Sluice

extension BenchUDP {
    public static let metrics: [Metric] = [.counter("not_sent", "datagrams that the kernel did not take")]
}

extension BenchGuests {
    public static let metrics: [Metric] = [
        .histogram("start_us", "time for one instance to start, of all that start at once"),
        .histogram("start_cpu_us", "CPU of the process for one instance to start"),
        .histogram("leave_us", "time for one instance to leave, of all that leave at once"),
        .histogram("leave_cpu_us", "CPU of the process for one instance to leave"),
    ]
}

extension BenchSleeper {
    public static let metrics: [Metric] = [
        .histogram("wake_us", "from the raising of the epoch to the call of this node")
    ]
}
