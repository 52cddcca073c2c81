import RTP

/// The outcome of an offer and its answer, seen from our side.
public struct Agreement: Equatable, Sendable {
    /// Of the description, in order.
    public var sections: [AgreedSection]
    /// The peer's side; nil where no section is left.
    public var transport: TransportDescription?
    /// We begin the handshake of DTLS.
    public var isActive: Bool
    /// The peer has new credentials since the last agreement (RFC 8839, section 4.4.1.1). Keys and SSRCs stay.
    public var restartsICE: Bool
}

/// A section of an agreement.
public struct AgreedSection: Equatable, Sendable {
    /// Counted from 0.
    public var index: Int
    /// Stands in packets where `mediaID` is among their extensions.
    public var mid: String?
    /// nil where it is neither audio nor video.
    public var kind: MediaKind?
    /// nil where we send nothing.
    public var sending: AgreedSending?
    /// nil where we receive nothing.
    public var receiving: AgreedReceiving?
    /// RTCP may be smaller than compound packets.
    public var isReduced: Bool
    /// Why nothing comes of it, as a clause that begins small; nil where it is used.
    public var refusal: String?

    /// Seen from our side.
    public var direction: MediaDirection { MediaDirection(sends: sending != nil, receives: receiving != nil) }
}

/// How a stream of ours is sent.
public struct AgreedSending: Equatable, Sendable {
    /// Which stream, with the SSRCs that its packets have.
    public var stream: OutgoingStream
    /// That of `stream.codecs` which the peer takes.
    public var codec: MediaCodec
    /// The payload type.
    public var type: UInt8
    /// The payload type of packets that are sent again (RTX); nil where they are sent as they were.
    public var repairType: UInt8?
    /// The payload type of frames with earlier ones (RED); nil where the peer takes none.
    public var redundancyType: UInt8?
    /// The feedback that the peer may send.
    public var feedback: FeedbackKinds
    /// The header extensions that packets may have, by number.
    public var extensions: ExtensionMap
}

/// How a stream of the peer's comes.
public struct AgreedReceiving: Equatable, Sendable {
    /// The meaning of a payload type.
    public enum Content: Equatable, Sendable {
        case media(MediaCodec)
        /// Packets of that type sent again (RTX).
        case repair(of: UInt8)
        /// Frames of that type with earlier ones (RED).
        case redundancy(of: UInt8)
    }

    /// By payload type; others are not ours.
    public var types: [UInt8: Content]
    /// The feedback that we may send.
    public var feedback: FeedbackKinds
    /// The header extensions that packets may have, by number.
    public var extensions: ExtensionMap
    /// The streams that the peer has announced. SSRCs may be missing (RFC 8843, section 9.2 tells what then counts).
    public var sources: StreamSources
    /// Encodings of simulcast that the peer has announced.
    public var restrictions: [StreamRestriction]
}
