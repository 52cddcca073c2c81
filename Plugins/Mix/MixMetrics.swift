import Sluice

extension AudioMix {
    public static let metrics: [Metric] = [
        .counter("clipped_samples", "Samples of the sum that were over full scale and were cut to it."),
        .counter("moved_inputs", "Times that an input came late or leapt and went on where the others were."),
        .counter("ducked_ms", "The audio time during which side held the others down."),
    ]
}
