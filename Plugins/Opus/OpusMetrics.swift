import Sluice

extension OpusDecoderNode {
    public static let metrics: [Metric] = [
        .counter("concealed_samples", "samples made up for packets that did not come"),
        .counter("bad_packets", "packets that are not Opus, left out"),
    ]
}
