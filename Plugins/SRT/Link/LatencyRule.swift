import Sluice

/// How much time a connection gets for retransmission.
struct LatencyRule: Equatable, Sendable {
    enum Kind: Equatable, Sendable {
        case fixed(milliseconds: Int)
        /// So many round trips within bounds: three are the first retransmission, its loss, and the second one.
        case roundTrips(Double, least: Int, most: Int)
    }
    var kind: Kind
    /// A round trip that the user knows; then nothing is measured before the first connection.
    var givenRoundTrip: Double?

    /// libsrt's own default, for a first connection of which nothing is known.
    static let blind = 120

    /// Where a round trip comes from.
    enum Source: String, Sendable {
        case given = "as given"
        case probe = "measured by a probe"
        case connection = "measured by the last connection"
    }

    struct Choice: Equatable, Sendable {
        var milliseconds: Int
        /// For the report: `latency 60 ms (3 x RTT 20.0 ms, measured by a probe)`.
        var words: String
    }

    /// `roundTrip` in ms.
    func choice(_ roundTrip: Double?, _ source: Source) -> Choice {
        switch kind {
        case .fixed(let milliseconds): return Choice(milliseconds: milliseconds, words: "latency \(milliseconds) ms")
        case .roundTrips(let multiple, let least, let most):
            guard let roundTrip else {
                let value = min(max(LatencyRule.blind, least), most)
                return Choice(milliseconds: value, words: "latency \(value) ms (no round trip is known yet)")
            }
            // Up to the next ms, within bounds before the conversion: the numbers come from outside.
            let value = Int(min(max((multiple * roundTrip).rounded(.up), Double(least)), Double(most)))
            let product = "\(tenths(multiple)) x RTT \(tenths(roundTrip)) ms, \(source.rawValue)"
            let bound = value == least ? ", at least \(least)" : value == most ? ", at most \(most)" : ""
            return Choice(milliseconds: value, words: "latency \(value) ms (\(product)\(bound))")
        }
    }

    var needsRoundTrip: Bool { kind.needsRoundTrip }
}

extension LatencyRule.Kind {
    var needsRoundTrip: Bool { if case .roundTrips = self { true } else { false } }
}

/// With one digit after the point, none where it would be 0.
func tenths(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 1e12 else { return "?" }
    let scaled = Int((value * 10).rounded())
    let (whole, rest) = scaled.magnitude.quotientAndRemainder(dividingBy: 10)
    return (scaled < 0 ? "-" : "") + (rest == 0 ? "\(whole)" : "\(whole).\(rest)")
}
