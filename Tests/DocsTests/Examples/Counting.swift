import Sluice

extension Loudness {
    public static let metrics: [Metric] = [
        .counter("clipped_samples", "samples that were too loud"),
        .gauge("peak_dbfs", "loudest sample of the last second"),
        .histogram("late_us", "how long after its time each frame went out"),
    ]
}
