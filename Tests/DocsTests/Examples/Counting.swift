import Sluice

extension Loudness {
    public static let metrics: [Metric] = [
        .counter("clipped_samples", "Samples that were too loud."),
        .gauge("peak_dbfs", "The loudest sample of the last second."),
        .histogram("late_us", "The delay of each frame behind its time."),
    ]
}
