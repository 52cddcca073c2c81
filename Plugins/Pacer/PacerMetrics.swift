import Sluice

extension Pacer {
    public static let metrics: [Metric] = [
        .counter("sent", "Items sent."),
        .counter("silence_frames", "Frames of silence sent because nothing was there."),
        .counter("concealed_samples", "Samples made up for short holes."),
        .counter("dropped", "Items that the edge before it dropped."),
        .counter("timestamp_jumps", "Times that timestamps went back or jumped ahead."),
        .counter("late_items", "Items that came after their time and were left out."),
        .counter("skipped_frames", "Frames left out to catch up."),
        .counter("repeated_frames", "Frames sent twice to wait."),
        .counter("bad_packets", "Packets left out because they are not Opus."),
        .counter("caught_up_frames", "Frames that went out a whole frame or more after their time."),
        .gauge("drift_ppm", "The excess of the source's second over a second here."),
        .gauge("steering_ppm", "The excess of the audio's speed over normal now."),
        .gauge("jitter_ms", "The standard deviation of arrivals."),
        .gauge("depth_ms", "The media that wait before it."),
        .histogram("late_us", "The delay of each frame behind its time on the grid."),
    ]
}
