import Sluice

/// The settings of a connection by the parameters of its node; the url counts first.
struct LinkSettings {
    let address: SRTAddress
    let options: SRTOptions
    let rule: LatencyRule

    /// Says what of the url was not taken as it stands.
    func tell(_ context: NodeContext) {
        for note in address.notes { context.log(.warning, "\(address.peer): \(note)") }
    }

    /// - Parameters:
    ///   - options: as the parameters give them.
    ///   - roundTrips: 0: the options' latency counts. `least` and `most` are in ms.
    ///   - roundTrip: in ms; 0: not known.
    /// Throws what does not go together.
    init(
        url: String, _ options: SRTOptions, roundTrips: Double, least: Int, most: Int, roundTrip: Double
    ) throws {
        address = try SRTAddress(url)
        guard [0, 16, 24, 32].contains(options.keyLength) else {
            throw NodeError(
                "key_length is \(options.keyLength); AES takes 16, 24 or 32 bytes",
                advice: "0 leaves it to the peer.", isInputError: true)
        }
        self.options = try address.options(options)
        var kind = LatencyRule.Kind.fixed(milliseconds: self.options.latencyMilliseconds)
        if roundTrips > 0 && address.latencyMilliseconds == nil {
            guard least <= most else {
                throw NodeError(
                    "latency: min_ms is \(least) and max_ms \(most)", advice: "min_ms is the smaller of both.",
                    isInputError: true)
            }
            kind = .roundTrips(roundTrips, least: least, most: most)
        }
        rule = LatencyRule(kind: kind, givenRoundTrip: roundTrip > 0 ? roundTrip : nil)
    }
}

/// The policy for a caller that comes while another is connected.
enum SecondCaller: String, CaseIterable, ParameterValue.Convertible {
    case takeOver = "take-over"
    case refuse
}
