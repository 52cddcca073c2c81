import Sluice

extension Pacer {
    public static let metrics: [Metric] = [
        .counter("sent", "items sent"),
        .counter("silence_frames", "frames of silence sent because nothing was there"),
        .counter("concealed_samples", "samples made up for short holes"),
        .counter("dropped", "items that the edge before it dropped"),
        .counter("timestamp_jumps", "times that timestamps went back or jumped ahead"),
        .counter("late_items", "items that came after their time and were left out"),
        .counter("skipped_frames", "frames left out to catch up"),
        .counter("repeated_frames", "frames sent twice to wait"),
        .counter("bad_packets", "packets that are not Opus, left out"),
        .counter("caught_up_frames", "frames that went out a whole frame or more after their time"),
        .gauge("drift_ppm", "how much longer the source's second lasts here"),
        .gauge("steering_ppm", "how much faster the audio is played now"),
        .gauge("jitter_ms", "standard deviation of arrivals"),
        .gauge("depth_ms", "media that wait before it"),
        .histogram("late_us", "how long after its time on the grid each frame went out"),
    ]
}
