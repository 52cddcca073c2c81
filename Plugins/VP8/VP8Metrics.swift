import Sluice

extension VP8EncoderNode {
    public static let metrics: [Metric] = [
        .counter("skipped_frames", "Pictures that the encoder left out to hold its bitrate.")
    ]
}
