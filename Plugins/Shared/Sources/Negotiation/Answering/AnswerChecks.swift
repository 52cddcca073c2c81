import RTP

/// The conditions under which an offer is answered.
enum AnswerChecks {
    /// The media ids that share a transport; nil where the offer has no group.
    static func group(of offer: PeerDescription) throws(NegotiationFault) -> Set<String>? {
        guard offer.groups.count <= 1 else {
            throw NegotiationFault(
                .incompatible, "the offer has \(offer.groups.count) BUNDLE groups, and there is one transport here",
                advice: "Let the peer offer all media in one group.")
        }
        return offer.groups.first.map { Set($0) }
    }

    /// Why nothing can come of a section, whatever its codecs; nil where something can.
    static func refusal(of section: PeerSection, _ group: Set<String>?) -> String? {
        if section.isRejected { return "the peer has rejected it" }
        guard section.kind != nil else { return "\(section.name.prefix(32)) is not taken" }
        guard section.isSecure else { return "its profile \(section.profile.prefix(32)) is not UDP/TLS/RTP/SAVPF" }
        guard section.isMultiplexed else { return "it has no a=rtcp-mux, and RTCP has no port of its own" }
        if let group, !(section.mid.map { group.contains($0) } ?? false) { return "it is outside of the BUNDLE group" }
        return nil
    }

    /// In a group a payload type stands for one thing (RFC 8843, section 9.1): that tells streams apart where nothing
    /// else does.
    static func checkTypes(of sections: [AnswerSection]) throws(NegotiationFault) {
        var known: [UInt8: (name: String, index: Int)] = [:]
        for section in sections where !section.own.isRejected {
            for payload in section.own.payloads {
                let name = "\(payload.format.encodingName.lowercased())/\(payload.format.clockRate)"
                if let other = known[payload.format.type], other.name != name {
                    throw NegotiationFault(
                        .malformed,
                        "payload type \(payload.format.type) is \(other.name.prefix(32)) in section \(other.index) and "
                            + "\(name.prefix(32)) in section \(section.agreed.index) of one group",
                        advice: "Give each format in a group a payload type of its own.")
                }
                known[payload.format.type] = (name, section.agreed.index)
            }
        }
    }
}
