import Sluice

extension VideoDecoder {
    public static let metrics: [Metric] = [
        .counter("damaged_packets", "packets that could not be decoded"),
        .counter("too_large", "pictures left out because they are too large"),
        .counter("skipped_before_keyframe", "packets left out because no keyframe had come"),
    ]
}
