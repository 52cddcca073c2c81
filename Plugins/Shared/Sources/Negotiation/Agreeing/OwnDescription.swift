import RTP

/// A section of our description.
struct OwnSection: Equatable {
    /// A payload type as we describe it.
    struct Payload: Equatable {
        var format: SessionDescription.Payload
        var feedback: FeedbackKinds = []
    }

    var name: String
    var profile: String
    var mid: String?
    /// Of a section that is rejected.
    var firstFormat = "0"
    var isRejected = true
    var direction = MediaDirection.none
    var payloads: [Payload] = []
    var extensions = ExtensionMap()
    /// The stream that we send.
    var stream: OutgoingStream?
    /// Its packets are sent again by an SSRC of their own.
    var repairs = false
    var isReduced = false

    /// One that is rejected: nothing stands in it but its name and its id.
    init(rejecting name: String, profile: String, mid: String?, firstFormat: String) {
        (self.name, self.profile, self.mid, self.firstFormat) = (name, profile, mid, firstFormat)
    }

    func media(_ transport: OwnTransport, setup: TransportDescription.Setup, isTagged: Bool) -> SessionDescription.Media
    {
        // Port 9, discard: candidates tell the true one (RFC 8839, section 4.2.1.2).
        var media = SessionDescription.Media(kind: name, port: isRejected ? 0 : 9, profile: profile)
        media.address = "0.0.0.0"
        var lines: [SessionDescription.Attribute] = []
        if let mid { lines.append(.init("mid", mid)) }
        lines.append(.init(direction.rawValue))
        if isRejected {
            media.otherFormats = [firstFormat]
        } else {
            media.payloads = payloads.map(\.format)
            media.isMultiplexed = true
            // There is no port for RTCP alone (RFC 8858; RFC 9725, section 4.4.1 wants it said).
            lines.append(.init("rtcp-mux-only"))
            lines += self.lines(of: transport, setup, isTagged: isTagged)
            if isReduced { lines.append(.init("rtcp-rsize")) }
            lines += extensions.attributes
            for payload in payloads {
                lines += payload.feedback.words.map { .init("rtcp-fb", "\(payload.format.type) \($0)") }
            }
            if let stream { announce(stream, in: &media, &lines) }
        }
        media.attributes = lines
        return media
    }

    private func lines(
        of transport: OwnTransport, _ setup: TransportDescription.Setup, isTagged: Bool
    ) -> [SessionDescription.Attribute] {
        var lines: [SessionDescription.Attribute] = [
            .init("ice-ufrag", transport.fragment), .init("ice-pwd", transport.password),
            .init("fingerprint", transport.fingerprint), .init("setup", setup.rawValue),
        ]
        // Those of the tagged section count for the whole group.
        if isTagged {
            lines += transport.candidates.map { line in
                .init("candidate", line.hasPrefix("candidate:") ? String(line.dropFirst(10)) : line)
            }
            if transport.isComplete { lines.append(.init("end-of-candidates")) }
        }
        return lines
    }

    private func announce(
        _ stream: OutgoingStream, in media: inout SessionDescription.Media,
        _ lines: inout [SessionDescription.Attribute]
    ) {
        let ids = "\(stream.streamID) \(stream.trackID)"
        let repair = repairs ? stream.repairSSRC : nil
        media.sources = [stream.ssrc] + (repair.map { [$0] } ?? [])
        media.cname = stream.cname
        lines.append(.init("msid", ids))
        if let repair { lines.append(.init("ssrc-group", "FID \(stream.ssrc) \(repair)")) }
        lines += media.sources.map { .init("ssrc", "\($0) msid:\(ids)") }
    }
}

/// Our side's offer or answer.
struct OwnDescription {
    /// Tells it from those of others.
    var id: UInt64
    /// Rises with each.
    var version: UInt64
    var sections: [OwnSection]
    /// The sections that are not rejected lie in one group.
    var isGrouped: Bool
    var mixesExtensions: Bool

    func text(_ transport: OwnTransport, setup: TransportDescription.Setup) -> String {
        var description = SessionDescription(name: "-", id: id)
        description.version = version
        let used = sections.filter { !$0.isRejected }
        if isGrouped, !used.isEmpty {
            description.attributes.append(.init("group", (["BUNDLE"] + used.compactMap(\.mid)).joined(separator: " ")))
        }
        if transport.isLite { description.attributes.append(.init("ice-lite")) }
        description.attributes.append(.init("ice-options", "trickle"))
        if mixesExtensions { description.attributes.append(.init("extmap-allow-mixed")) }
        if used.contains(where: { $0.stream != nil }) {
            description.attributes.append(.init("msid-semantic", " WMS *"))
        }
        let tagged = sections.firstIndex { !$0.isRejected }
        description.media = sections.enumerated().map { index, section in
            section.media(transport, setup: setup, isTagged: index == tagged)
        }
        return description.description
    }
}
