import Sluice

extension AudioDecoder {
    public static let metrics: [Metric] = [
        .counter("damaged_packets", "Packets that could not be decoded."),
        .counter("too_many_channels", "Packets left out because they have too many channels or too high a rate."),
    ]
}
