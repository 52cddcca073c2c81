import Sluice

/// The parameters for the connection that `srt-input` and `srt-output` share.
public class SRTNode {
    @Parameter var url: String
    @Parameter(
        "latency_ms", default: 120, range: 1...60_000,
        help: "The time that lost packets have to come again, in ms. The peer's counts if it is larger.")
    var latency: Int
    @Parameter(
        "latency.rtt_multiple", default: 0, range: 0...100,
        help:
            "The latency in round trips, instead of latency_ms. "
            + "The round trip is measured before the first connection, and by each for the next.")
    var roundTrips: Double
    @Parameter("latency.min_ms", default: 20, range: 1...60_000, help: "The least latency in ms.") var leastLatency: Int
    @Parameter("latency.max_ms", default: 1_000, range: 1...60_000, help: "The largest latency in ms.")
    var mostLatency: Int
    @Parameter(
        "rtt_ms", default: 0, range: 0...60_000, help: "The round trip of the first connection in ms. 0 measures it.")
    var roundTrip: Double
    @Parameter var streamID: String
    @Parameter(
        "passphrase", default: "",
        help: "The passphrase of AES encryption, 10 to 79 bytes. "
            + "Empty does not encrypt. One in the url counts first.")
    var passphrase: String
    @Parameter(
        "key_length", default: 0, range: 0...32,
        help: "The length of the AES key in bytes: 16, 24 or 32. 0 takes 16, or the peer's.")
    var keyLength: Int
    @Parameter(
        "connect_timeout_ms", default: 3_000, range: 100...600_000, help: "The longest time that one call lasts, in ms."
    )
    var timeout: Int
    @Parameter(
        "max_handshakes", default: 32, range: 1...10_000,
        help:
            "The most callers at a time that have not proved the passphrase yet. One host may have a quarter."
    )
    var mostHandshakes: Int

    init(url: Parameter<String>, streamID: Parameter<String>) { (_url, _streamID) = (url, streamID) }

    func settings() throws -> LinkSettings {
        try LinkSettings(
            url: url,
            SRTOptions(
                latencyMilliseconds: latency, streamID: streamID, passphrase: passphrase, keyLength: keyLength,
                connectTimeoutMilliseconds: timeout),
            roundTrips: roundTrips, least: leastLatency, most: mostLatency, roundTrip: roundTrip)
    }
}
