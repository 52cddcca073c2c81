import Sluice

/// What the parameters of a node say about its connection; what the url says counts first.
struct LinkSettings {
    let address: SRTAddress
    let options: SRTOptions
    let rule: LatencyRule

    /// The parameters that both nodes have, under their names in the graph.
    struct Given {
        var url: String
        var latencyMilliseconds: Int
        /// 0: `latencyMilliseconds` counts.
        var roundTrips: Double
        var leastMilliseconds: Int
        var mostMilliseconds: Int
        /// 0: not known.
        var roundTripMilliseconds: Double
        var streamID: String
        var passphrase: String
        var keyLength: Int
        var connectTimeoutMilliseconds: Int
    }

    /// Throws what does not go together.
    init(_ given: Given) throws {
        address = try SRTAddress(given.url)
        guard [0, 16, 24, 32].contains(given.keyLength) else {
            throw NodeError(
                "key_length is \(given.keyLength); AES takes 16, 24 or 32 bytes", advice: "0 leaves it to the peer.",
                isInputError: true)
        }
        options = try address.options(
            SRTOptions(
                latencyMilliseconds: given.latencyMilliseconds, streamID: given.streamID, passphrase: given.passphrase,
                keyLength: given.keyLength, connectTimeoutMilliseconds: given.connectTimeoutMilliseconds))
        var kind = LatencyRule.Kind.fixed(milliseconds: options.latencyMilliseconds)
        if given.roundTrips > 0 && address.latencyMilliseconds == nil {
            guard given.leastMilliseconds <= given.mostMilliseconds else {
                throw NodeError(
                    "latency: min_ms is \(given.leastMilliseconds) and max_ms \(given.mostMilliseconds)",
                    advice: "min_ms is the smaller of both.", isInputError: true)
            }
            kind = .roundTrips(given.roundTrips, least: given.leastMilliseconds, most: given.mostMilliseconds)
        }
        rule = LatencyRule(
            kind: kind, givenRoundTrip: given.roundTripMilliseconds > 0 ? given.roundTripMilliseconds : nil)
    }
}

/// What is done with a caller who comes while another is connected.
enum SecondCaller: String, CaseIterable, ParameterConvertible {
    case takeOver = "take-over"
    case refuse
}
