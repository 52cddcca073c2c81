import Sluice

extension OpusDecoderNode {
    public static let metrics: [Metric] = [
        .counter("concealed_samples", "Samples made up for packets that did not come."),
        .counter("bad_packets", "Packets left out because they are not Opus."),
    ]
}
