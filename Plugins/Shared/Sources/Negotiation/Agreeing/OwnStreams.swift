import RTP

/// A stream that we send.
public struct OutgoingStream: Equatable, Sendable {
    /// In the order of preference; all of one kind, H.264 with a profile. An encoder of ours may have several, a
    /// stream that is passed through has one.
    public var codecs: [MediaCodec]
    /// Of its packets.
    public var ssrc: UInt32
    /// Of packets that are sent again; nil where they are sent as they were.
    public var repairSSRC: UInt32?
    /// The name that all of our streams share.
    public var cname: String
    /// Streams of one id are played together.
    public var streamID: String
    /// Tells it from others of its `streamID`.
    public var trackID: String

    /// `codecs` are of one kind.
    public init(
        _ codecs: [MediaCodec], ssrc: UInt32, repairSSRC: UInt32? = nil, cname: String, streamID: String,
        trackID: String
    ) {
        (self.codecs, self.ssrc, self.repairSSRC) = (codecs, ssrc, repairSSRC)
        (self.cname, self.streamID, self.trackID) = (cname, streamID, trackID)
    }

    /// Of the codecs; nil where there is none.
    public var kind: MediaKind? { codecs.first?.kind }
}

/// A stream that we take.
public struct IncomingStream: Equatable, Sendable {
    /// In the order of preference; all of one kind.
    public var codecs: [MediaCodec]
    /// Each frame of Opus shall come with the one before it: nearly twice the bits.
    public var wantsRedundancy: Bool

    /// `codecs` are of one kind.
    public init(_ codecs: [MediaCodec], wantsRedundancy: Bool = false) {
        (self.codecs, self.wantsRedundancy) = (codecs, wantsRedundancy)
    }

    /// Of the codecs; nil where there is none.
    public var kind: MediaKind? { codecs.first?.kind }
}

/// ICE and DTLS of our side.
public struct OwnTransport: Equatable, Sendable {
    /// `a=ice-ufrag`: 4 to 256 letters, digits, + and /.
    public var fragment: String
    /// `a=ice-pwd`: 22 to 256 of them.
    public var password: String
    /// `sha-256 4A:AD:…`.
    public var fingerprint: String
    /// `candidate:…`, without `a=`.
    public var candidates: [String]
    /// We answer checks and make none.
    public var isLite: Bool
    /// No candidate follows.
    public var isComplete: Bool

    /// A server has all of its candidates at once.
    public init(
        fragment: String, password: String, fingerprint: String, candidates: [String], isLite: Bool = true,
        isComplete: Bool = true
    ) {
        (self.fragment, self.password, self.fingerprint) = (fragment, password, fingerprint)
        (self.candidates, self.isLite, self.isComplete) = (candidates, isLite, isComplete)
    }
}

extension OwnTransport: CustomStringConvertible, CustomReflectable {
    /// The fragment alone, so that no log has the password.
    public var description: String { "transport \(fragment)" }
    /// The fragment alone.
    public var customMirror: Mirror { Mirror(self, children: ["fragment": fragment]) }
}
