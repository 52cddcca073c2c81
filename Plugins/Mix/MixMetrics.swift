import Sluice

extension AudioMix {
    public static let metrics: [Metric] = [
        .counter("clipped_samples", "samples of the sum that were louder than full scale, and were held there"),
        .counter("moved_inputs", "how often an input came too late, or leapt, and went on where the others were"),
        .counter("ducked_ms", "audio during which the side input held the others down"),
    ]
}
