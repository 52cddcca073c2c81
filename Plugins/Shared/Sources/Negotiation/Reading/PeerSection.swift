import RTP

/// A section of a peer's description: an `m=` line and what belongs to it.
public struct PeerSection: Equatable, Sendable {
    /// Counted from 0.
    public var index: Int
    /// Of `a=mid`; nil where there is none.
    public var mid: String?
    /// nil where it is neither audio nor video.
    public var kind: MediaKind?
    /// The first word of the `m=` line.
    public var name: String
    /// `UDP/TLS/RTP/SAVPF`, `UDP/DTLS/SCTP`, …
    public var profile: String
    /// The port is 0 and the section is not one that exists in a group alone (`a=bundle-only`).
    public var isRejected: Bool
    /// Seen from the peer.
    public var direction: MediaDirection
    /// In the peer's order.
    public var payloads: [SectionPayload]
    /// Header extensions by number, with a direction seen from the peer where a line says one.
    public var extensions: ExtensionMap
    /// The streams that the peer sends.
    public var sources: StreamSources
    /// Encodings of simulcast.
    public var restrictions: [StreamRestriction]
    /// Of `a=simulcast`: `send q;h;f`. nil where there is none.
    public var simulcast: String?
    /// Of the section. In a group it is that of the group's tagged section (RFC 8843, section 7.1.3).
    public var transport: TransportDescription
    /// RTCP comes at RTP's port.
    public var isMultiplexed: Bool
    /// RTCP may be smaller than compound packets (RFC 5506).
    public var isReduced: Bool
    /// A format of the `m=` line, for a section that is rejected.
    var firstFormat: String

    /// The profile is one of those for RTP with keys by DTLS (RFC 8829, section 5.1.2).
    var isSecure: Bool {
        ["UDP/TLS/RTP/SAVPF", "TCP/TLS/RTP/SAVPF", "DTLS/RTP/SAVPF", "RTP/SAVPF", "UDP/TLS/RTP/SAVP", "RTP/SAVP"]
            .contains(profile.uppercased())
    }

    init(_ media: SessionDescription.Media, _ index: Int, of session: [SessionDescription.Attribute]) {
        let lines = media.attributes
        self.index = index
        mid = lines["mid"]
        kind = MediaKind(rawValue: media.kind)
        name = media.kind
        profile = media.profile
        isRejected = media.port == 0 && !lines.contains("bundle-only")
        direction = PeerSection.direction(lines) ?? PeerSection.direction(session) ?? .both
        payloads = PeerSection.payloads(of: media)
        extensions = ExtensionMap(lines.contains("extmap") ? lines : session)
        sources = StreamSources(media)
        restrictions = lines.values(of: "rid").compactMap { StreamRestriction($0) }
        simulcast = lines["simulcast"]
        transport = TransportDescription()
        isMultiplexed = media.isMultiplexed || lines.contains("rtcp-mux-only")
        isReduced = lines.contains("rtcp-rsize")
        firstFormat = media.payloads.first.map { String($0.type) } ?? media.otherFormats.first ?? "0"
    }

    private static func direction(_ lines: [SessionDescription.Attribute]) -> MediaDirection? {
        lines.lazy.compactMap { $0.value == nil ? MediaDirection(rawValue: $0.name) : nil }.first
    }

    private static func payloads(of media: SessionDescription.Media) -> [SectionPayload] {
        var feedback: [UInt8: FeedbackKinds] = [:]
        var ofAll: FeedbackKinds = []
        for value in media.attributes.values(of: "rtcp-fb") {
            let words = value.split(separator: " ", maxSplits: 1)
            guard words.count == 2 else { continue }
            let kinds = FeedbackKinds(words: words[1])
            if words[0] == "*" {
                ofAll.formUnion(kinds)
            } else if let type = UInt8(words[0]) {
                feedback[type, default: []].formUnion(kinds)
            }
        }
        return media.payloads.map { SectionPayload($0, feedback: ofAll.union(feedback[$0.type] ?? [])) }
    }
}
