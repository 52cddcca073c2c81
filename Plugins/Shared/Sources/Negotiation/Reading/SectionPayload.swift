import RTP

/// Feedback on a payload type that `a=rtcp-fb` lines allow (RFC 4585, section 4.2). Other feedback is passed over.
public struct FeedbackKinds: OptionSet, Hashable, Sendable {
    /// One bit each.
    public var rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Which packets are missing (`nack`).
    public static let missing = FeedbackKinds(rawValue: 1)
    /// A picture was lost (`nack pli`).
    public static let pictureLoss = FeedbackKinds(rawValue: 2)
    /// A keyframe is wanted (`ccm fir`, RFC 5104).
    public static let keyframe = FeedbackKinds(rawValue: 4)
    /// How many bits a second the receiver expects to fit (`goog-remb`).
    public static let estimate = FeedbackKinds(rawValue: 8)
    /// When each packet came (`transport-cc`).
    public static let arrivals = FeedbackKinds(rawValue: 16)

    private static let words: [(FeedbackKinds, String)] = [
        (.estimate, "goog-remb"), (.arrivals, "transport-cc"), (.keyframe, "ccm fir"), (.missing, "nack"),
        (.pictureLoss, "nack pli"),
    ]

    /// `words` is what stands behind the payload type; empty where it is something else.
    init(words text: some StringProtocol) {
        let words = text.split(separator: " ").joined(separator: " ")
        self = FeedbackKinds.words.first { $0.1 == words }?.0 ?? []
    }

    /// As lines have it behind the payload type.
    var words: [String] { FeedbackKinds.words.filter { contains($0.0) }.map(\.1) }
}

/// A payload type of a section.
public struct SectionPayload: Equatable, Sendable {
    /// The purpose of a type.
    public enum Role: Equatable, Sendable {
        case media
        /// Packets of the type `apt` sent again (RFC 4588).
        case repair(of: UInt8)
        /// Frames with earlier ones (RFC 2198), by the types that `a=fmtp` names; empty where it names none.
        case redundancy(of: [UInt8])
        /// Something that is no media by itself, or a repair that does not say of which type.
        case other
    }

    /// The type, its name and parameters.
    public var format: SessionDescription.Payload
    /// Its purpose.
    public var role: Role
    /// The feedback that the describing side understands.
    public var feedback: FeedbackKinds

    /// The payload type, 0 to 127.
    public var type: UInt8 { format.type }

    private static let auxiliary: Set<String> = ["ulpfec", "flexfec", "flexfec-03", "cn", "telephone-event", "dtmf"]

    init(_ format: SessionDescription.Payload, feedback: FeedbackKinds) {
        (self.format, self.feedback) = (format, feedback)
        let name = format.encodingName.lowercased()
        switch name {
        case "rtx": role = format["apt"].flatMap { UInt8($0) }.map { .repair(of: $0) } ?? .other
        case "red":
            // 111/111 stands there as a name without a value.
            let types = format.parameters.first?.name.split(separator: "/").prefix(32).compactMap { UInt8($0) } ?? []
            role = .redundancy(of: types)
        case _ where SectionPayload.auxiliary.contains(name): role = .other
        default: role = .media
        }
    }
}
