import Sluice

extension BenchUDP {
    public static let metrics: [MetricSpec] = [.counter("not_sent", "datagrams that the kernel did not take")]
}
