import RTP

/// The side that answers a peer's offers (RFC 8829, section 5.3): the first, and those that follow on one connection.
///
///     var answerer = Answerer(id: 7, outgoing: [voice, picture], incoming: [])
///     let (text, agreement) = try answerer.answer(PeerDescription(body), transport)
///
/// Payload types and numbers of header extensions are those of the offer. A section that is not of use is rejected, and
/// says why. All that are used lie in one group, as there is one transport. A call that throws changes nothing.
public struct Answerer: Sendable {
    private struct Place {
        var mid: String?
        var isUsed: Bool
        var choice: AnswerChoice
    }

    private let id: UInt64
    private let outgoing: [OutgoingStream]
    private let incoming: [IncomingStream]
    private var version: UInt64 = 0
    /// Of the last answer, in its order.
    private var places: [Place] = []
    private var connection: PeerConnection?

    /// `id` tells the description from those of others; a random number. Streams are given to the sections of an offer
    /// in their order.
    public init(id: UInt64, outgoing: [OutgoingStream], incoming: [IncomingStream]) {
        // Readers take it as a signed number (RFC 8829, section 5.2.1).
        (self.id, self.outgoing, self.incoming) = (id & UInt64(Int64.max), outgoing, incoming)
    }

    /// The offer asks for new credentials of ours (RFC 8839, section 4.4.1.1).
    public func restartsICE(_ offer: PeerDescription) -> Bool {
        guard let connection, let transport = offer.sections.first(where: { !$0.isRejected })?.transport else {
            return false
        }
        return connection.isRestarted(by: transport)
    }

    /// The text of our answer, and what both come to. Throws where the offer does not follow the last one, has a codec
    /// in common for none of the streams that it asks for, or cannot be connected.
    public mutating func answer(
        _ offer: PeerDescription, _ transport: OwnTransport
    ) throws(NegotiationFault) -> (text: String, agreement: Agreement) {
        try checkOrder(of: offer)
        let (choices, sections) = try answered(offer)
        let used = sections.filter { !$0.own.isRejected }
        guard let first = used.first else { throw nothing(in: offer, sections) }
        guard used.count == 1 || !offer.groups.isEmpty else {
            throw NegotiationFault(
                .incompatible, "the offer bundles nothing (it has no a=group:BUNDLE), and there is one transport here",
                advice: "Let the peer offer all media in one group: bundlePolicy \"max-bundle\".")
        }
        try AnswerChecks.checkTypes(of: sections)
        let theirs = offer.sections[first.agreed.index].transport
        let next = try PeerConnection(theirs, after: connection, offering: true)
        let restarts = connection?.isRestarted(by: theirs) ?? false

        connection = next
        version += 1
        places = zip(offer.sections, zip(sections, choices)).map { section, answer in
            Place(mid: section.mid, isUsed: !answer.0.own.isRejected, choice: answer.1)
        }
        let description = OwnDescription(
            id: id, version: version, sections: sections.map(\.own), isGrouped: !offer.groups.isEmpty,
            mixesExtensions: offer.mixesExtensions)
        let agreement = Agreement(
            sections: sections.map(\.agreed), transport: theirs, isActive: next.isActive, restartsICE: restarts)
        return (description.text(transport, setup: next.isActive ? .active : .passive), agreement)
    }

    private func answered(
        _ offer: PeerDescription
    ) throws(NegotiationFault) -> ([AnswerChoice], [AnswerSection]) {
        let group = try AnswerChecks.group(of: offer)
        func held(_ index: Int) -> AnswerChoice {
            guard places.indices.contains(index), places[index].isUsed, places[index].mid == offer.sections[index].mid,
                !offer.sections[index].isRejected
            else { return .nothing }
            return places[index].choice
        }
        var choices = AnswerChoices(outgoing, incoming, held: offer.sections.indices.map(held))
        var chosen: [AnswerChoice] = []
        var sections: [AnswerSection] = []
        for section in offer.sections {
            var choice = AnswerChoice.nothing
            var refusal = AnswerChecks.refusal(of: section, group)
            if refusal == nil {
                choice = try choices.choose(section, held: held(section.index))
                if choice.isEmpty { refusal = "nothing of this side is left for \(section.direction.rawValue)" }
            }
            chosen.append(choice)
            sections.append(
                refusal.map { AnswerSection(rejecting: section, $0) }
                    ?? AnswerSection(
                        section, sending: choice.outgoing.map { outgoing[$0] },
                        taking: choice.incoming.map { incoming[$0] }))
        }
        return (chosen, sections)
    }

    /// Sections of an offer keep their places (RFC 8829, section 5.2.2); one that is rejected may become another.
    private func checkOrder(of offer: PeerDescription) throws(NegotiationFault) {
        let advice = "Offers of one connection keep their sections in order."
        guard offer.sections.count >= places.count else {
            throw NegotiationFault(
                .unexpected, "the offer has \(offer.sections.count) sections, and the last one had \(places.count)",
                advice: advice)
        }
        for (place, section) in zip(places, offer.sections) where place.isUsed && !section.isRejected {
            guard place.mid == section.mid else {
                throw NegotiationFault(
                    .unexpected,
                    "\(section.words) had the a=mid \(place.mid ?? "none") and now has \(section.mid?.prefix(32) ?? "none")",
                    advice: advice)
            }
        }
    }

    private func nothing(in offer: PeerDescription, _ sections: [AnswerSection]) -> NegotiationFault {
        func names(_ streams: [[MediaCodec]]) -> String {
            let codecs = streams.joined().map(\.description)
            return codecs.isEmpty ? "nothing" : codecs.joined(separator: ", ")
        }
        let refusals = sections.prefix(8).map { section in
            "\(offer.sections[section.agreed.index].words): \(section.agreed.refusal ?? "")"
        }
        let ours = "this side sends \(names(outgoing.map(\.codecs))) and takes \(names(incoming.map(\.codecs)))"
        let theirs = refusals.isEmpty ? "it has no section" : refusals.joined(separator: "; ")
        return NegotiationFault(
            .incompatible, "the offer has nothing for this side (\(theirs)); \(ours)",
            advice: "Offer a section for it.")
    }
}
