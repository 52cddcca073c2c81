import Sluice

extension Meter {
    public static let metrics: [Metric] = [
        .counter("items", "Items taken."),
        .counter("gaps", "Holes in the timestamps."),
        .counter("gap_ms", "The media time that the holes lack together."),
        .gauge("items_per_s", "Items a second in the last period. At the end it is the mean of the run."),
        .gauge("kbps", "The bitrate of the last period. At the end it is the mean of the run."),
        .histogram("interval_us", "The time between two items."),
        .histogram("jitter_us", "The distance of arrivals from their timestamps."),
        .gauge("peak_dbfs", "The loudest sample of the last period. At the end it is that of the run."),
        .gauge("rms_dbfs", "The audio level of the last period. At the end it is that of the run."),
    ]
}
