import RTP
import Sluice

/// The feedback on single packets that receivers are told they may send.
enum Feedback: String, CaseIterable, ParameterValue.Convertible {
    case none
    /// Which are missing (RFC 4585).
    case lost
    /// That, and when each came (transport-wide congestion control).
    case arrivals

    /// `a=rtcp-fb` for every payload type.
    func attributes(isVideo: Bool) -> [SessionDescription.Attribute] {
        guard self != .none else { return [] }
        let words = ["nack"] + (isVideo ? ["nack pli", "ccm fir"] : []) + (self == .arrivals ? ["transport-cc"] : [])
        return words.map { .init("rtcp-fb", "* \($0)") }
    }

    /// The feedback that a description asks for of this payload type.
    init(_ media: SessionDescription.Media, type: UInt8) {
        let words = media.attributes.values(of: "rtcp-fb").compactMap { value -> Substring? in
            let sides = value.split(separator: " ", maxSplits: 1)
            guard sides.count == 2, sides[0] == "*" || sides[0] == String(type) else { return nil }
            return sides[1]
        }
        self = words.contains("transport-cc") ? .arrivals : words.contains("nack") ? .lost : .none
    }
}
