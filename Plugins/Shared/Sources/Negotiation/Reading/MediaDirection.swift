/// Which way media of a section go, seen from the side that describes it (RFC 8866, section 6.7).
public enum MediaDirection: String, Sendable, CaseIterable {
    case both = "sendrecv"
    case send = "sendonly"
    case receive = "recvonly"
    case none = "inactive"

    /// Of a side that does so.
    public init(sends: Bool, receives: Bool) {
        self = sends ? (receives ? .both : .send) : receives ? .receive : .none
    }

    /// The describing side sends.
    public var sends: Bool { self == .both || self == .send }
    /// The describing side receives.
    public var receives: Bool { self == .both || self == .receive }
    /// As the other side sees it.
    public var reversed: MediaDirection { MediaDirection(sends: receives, receives: sends) }

    /// As far as both allow, seen from one side.
    public func and(_ other: MediaDirection) -> MediaDirection {
        MediaDirection(sends: sends && other.sends, receives: receives && other.receives)
    }
}

/// The media that are negotiated.
public enum MediaKind: String, Sendable, CaseIterable {
    case audio
    case video
}
