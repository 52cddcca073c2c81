import Sluice

extension VideoDecoder {
    public static let metrics: [Metric] = [
        .counter("damaged_packets", "Packets that could not be decoded."),
        .counter("damaged_pictures", "Pictures that lacked a part, which the decoder made up."),
        .counter("too_large", "Pictures left out because they are too large."),
        .counter("skipped_before_keyframe", "Packets left out because no keyframe had come."),
    ]
}
