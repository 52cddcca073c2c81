import Sluice

/// The parameters for the connection that `srt-input` and `srt-output` share.
public class SRTNode {
    @Parameter var url: String
    @Parameter(
        "latency_ms", default: 120, range: 1...60_000,
        help: "time for retransmission; the peer's counts if it is larger")
    var latency: Int
    @Parameter(
        "latency.rtt_multiple", default: 0, range: 0...100,
        help:
            "instead of latency_ms: so many round trips, measured before the first connection and by each for the next")
    var roundTrips: Double
    @Parameter("latency.min_ms", default: 20, range: 1...60_000, help: "at least that") var leastLatency: Int
    @Parameter("latency.max_ms", default: 1_000, range: 1...60_000, help: "at most that") var mostLatency: Int
    @Parameter(
        "rtt_ms", default: 0, range: 0...60_000, help: "the round trip of the first connection; 0 measures it")
    var roundTrip: Double
    @Parameter var streamID: String
    @Parameter("passphrase", default: "", help: "10 to 79 bytes; encrypts with AES; one in the url counts first")
    var passphrase: String
    @Parameter(
        "key_length", default: 0, range: 0...32, help: "of AES: 16, 24 or 32 bytes; 0 is 16, or what the peer wants")
    var keyLength: Int
    @Parameter("connect_timeout_ms", default: 3_000, range: 100...600_000, help: "how long one call lasts")
    var timeout: Int
    @Parameter(
        "max_handshakes", default: 32, range: 1...10_000,
        help:
            "callers at a time that have not shown yet that they know the passphrase, a quarter of them from one host"
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
