import Sluice

extension AudioDecoder {
    public static let metrics: [Metric] = [
        .counter("damaged_packets", "packets that could not be decoded"),
        .counter("too_many_channels", "packets left out because they have too many channels or too high a rate"),
    ]
}
