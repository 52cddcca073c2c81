import RTP

/// The streams that a section announces: SSRCs, how they belong together, and whose they are.
public struct StreamSources: Equatable, Sendable {
    /// Of `a=ssrc` lines, without those that repair others, in order.
    public var ssrcs: [UInt32] = []
    /// Of `a=ssrc-group:FID` lines: of a stream, and of the packets that are sent again for it (RFC 5576, RFC 4588).
    public var repairs: [UInt32: UInt32] = [:]
    /// The name that the side gives all of its streams; nil where no line says it.
    public var cname: String?
    /// Of `a=msid`: streams of one id belong together (RFC 8830). nil where there is none, or where it is `-`.
    public var streamID: String?
    /// Of `a=msid`: which track.
    public var trackID: String?

    /// Nothing is announced.
    public init() {}

    init(_ media: SessionDescription.Media) {
        for value in media.attributes.values(of: "ssrc-group") {
            let words = value.split(separator: " ")
            guard words.count == 3, words[0] == "FID", let first = UInt32(words[1]), let second = UInt32(words[2]),
                first != second
            else { continue }
            repairs[first] = repairs[first] ?? second
        }
        let repairing = Set(repairs.values)
        ssrcs = media.sources.filter { !repairing.contains($0) }
        cname = media.cname
        let own = media.attributes["msid"]
        let ofSource = media.attributes.lazy.filter { $0.name == "ssrc" }.compactMap { attribute -> Substring? in
            let words = attribute.value?.split(separator: " ", maxSplits: 1) ?? []
            return words.count == 2 && words[1].hasPrefix("msid:") ? words[1].dropFirst(5) : nil
        }.first
        let ids = (own.map { Substring($0) } ?? ofSource ?? "").split(separator: " ")
        streamID = ids.first.flatMap { $0 == "-" ? nil : String($0) }
        trackID = ids.count > 1 ? String(ids[1]) : nil
    }
}

/// One of several encodings of a medium (RFC 8851).
public struct StreamRestriction: Equatable, Sendable {
    /// As the header extension for it has it.
    public var id: String
    /// `send` or `recv`, from the describing side.
    public var direction: String
    /// The words behind them: `pt=96;max-width=1280`. Empty where nothing does.
    public var restrictions: String

    /// `value` is what stands behind `a=rid:`; nil where it has no direction.
    init?(_ value: String) {
        let words = value.split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[1] == "send" || words[1] == "recv" else { return nil }
        (id, direction) = (String(words[0]), String(words[1]))
        restrictions = words.count == 3 ? String(words[2]) : ""
    }
}
