import RTP

/// The payload types of our offers. One that was given stays, for all sections and all offers of a connection: in a
/// group it stands for one thing (RFC 8843, section 9.1).
struct PayloadNumbers {
    /// A type, and that of its packets that are sent again.
    struct Pair: Equatable {
        var type: UInt8
        /// nil for sound.
        var repair: UInt8?
    }

    /// RED of Opus.
    static let redundancy: UInt8 = 63

    /// Those of browsers first; 64 to 95 look like RTCP (RFC 5761, section 4).
    private static let free: [UInt8] =
        Array(stride(from: 98, through: 108, by: 2)) + Array(stride(from: 112, through: 126, by: 2))
        + Array(stride(from: 35, through: 61, by: 2))
    private var profiles: [H264Profile: UInt8] = [:]

    /// Throws where the types are used up.
    mutating func pair(for codec: MediaCodec) throws(NegotiationFault) -> Pair {
        switch codec.format {
        case .opus: return Pair(type: 111)
        case .vp8: return Pair(type: 96, repair: 97)
        case .h264:
            let profile = codec.profile ?? .constrainedBaseline(level: MediaCodec.takenLevel)
            if let type = profiles[profile] { return Pair(type: type, repair: type + 1) }
            guard profiles.count < PayloadNumbers.free.count else {
                throw NegotiationFault(
                    .incompatible, "there are no payload types left for H.264 of another profile or level",
                    advice: "Send fewer different streams on one connection.")
            }
            let type = PayloadNumbers.free[profiles.count]
            profiles[profile] = type
            return Pair(type: type, repair: type + 1)
        default:
            guard let type = codec.format.staticType else {
                throw NegotiationFault(
                    .incompatible, "\(codec) has no payload type here", advice: "Offer Opus, G.711, VP8 or H.264.")
            }
            return Pair(type: type)
        }
    }
}
