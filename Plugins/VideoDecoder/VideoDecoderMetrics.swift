import Sluice

extension VideoDecoder {
    public static let metrics: [MetricSpec] = [
        .counter("damaged_packets", "packets that could not be decoded"),
        .counter("skipped_before_keyframe", "packets left out because no keyframe had come"),
    ]
}
