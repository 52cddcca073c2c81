import Sluice

extension Meter {
    public static let metrics: [Metric] = [
        .counter("items", "items taken"),
        .counter("gaps", "places where timestamps leave a hole"),
        .counter("gap_ms", "how much media the holes lack together"),
        .gauge("items_per_s", "items a second of the last period, at the end of the whole run"),
        .gauge("kbps", "bits of the last period, at the end of the whole run"),
        .histogram("interval_us", "time between two items"),
        .histogram("jitter_us", "how far arrivals are off the timestamps"),
        .gauge("peak_dbfs", "loudest sample of the last period, at the end of the whole run"),
        .gauge("rms_dbfs", "level of the last period, at the end of the whole run"),
    ]
}
