import Sluice

extension VP8EncoderNode {
    public static let metrics: [MetricSpec] = [
        .counter("skipped_frames", "pictures that the encoder left out to hold its bitrate")
    ]
}
