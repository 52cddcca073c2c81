import RTP

/// The streams of ours that a section of the peer's offer carries.
struct AnswerChoice: Equatable {
    /// Which of the outgoing streams, kept while the peer holds the section.
    var outgoing: Int?
    /// Which of the incoming streams.
    var incoming: Int?

    static let nothing = AnswerChoice()
    var isEmpty: Bool { outgoing == nil && incoming == nil }
}

/// Gives the sections of an offer to streams of ours, in the offer's order, each to the first stream that has a codec
/// in common with it.
struct AnswerChoices {
    let outgoing: [OutgoingStream]
    let incoming: [IncomingStream]
    /// Those that sections of the last answer hold, and those that have been given.
    private var isSent: [Bool]
    private var isTaken: [Bool]

    init(_ outgoing: [OutgoingStream], _ incoming: [IncomingStream], held: [AnswerChoice]) {
        (self.outgoing, self.incoming) = (outgoing, incoming)
        isSent = outgoing.indices.map { index in held.contains { $0.outgoing == index } }
        isTaken = incoming.indices.map { index in held.contains { $0.incoming == index } }
    }

    /// `held` is what the section carried so far. Throws where the peer would receive or send, there is a stream for
    /// it, and no codec is in common.
    mutating func choose(_ section: PeerSection, held: AnswerChoice) throws(NegotiationFault) -> AnswerChoice {
        var choice = held
        let asks = section.direction == .none ? .both : section.direction
        let (toSend, toTake) = (
            free(outgoing, isSent, held.outgoing, section), free(incoming, isTaken, held.incoming, section)
        )
        if asks.receives, !toSend.isEmpty {
            choice.outgoing = toSend.first { index in outgoing[index].codecs.contains { section.sendable($0) != nil } }
            guard choice.outgoing != nil || !section.direction.receives else {
                throw AnswerChoices.nothingInCommon(
                    section, "takes", "sends", toSend.flatMap { outgoing[$0].codecs },
                    "Let the stream be one of those, or use a peer that takes it.")
            }
        }
        if asks.sends, !toTake.isEmpty {
            choice.incoming = toTake.first { index in incoming[index].codecs.contains { !section.takeable($0).isEmpty }
            }
            guard choice.incoming != nil || !section.direction.sends else {
                throw AnswerChoices.nothingInCommon(
                    section, "sends", "takes", toTake.flatMap { incoming[$0].codecs },
                    "Let the peer send one of those that are taken.")
            }
        }
        if let index = choice.outgoing { isSent[index] = true }
        if let index = choice.incoming { isTaken[index] = true }
        return choice
    }

    private func free<Stream: KindOfMedia>(
        _ streams: [Stream], _ isGiven: [Bool], _ held: Int?, _ section: PeerSection
    ) -> [Int] {
        if let held { return [held] }
        return streams.indices.filter { !isGiven[$0] && streams[$0].kind == section.kind }
    }

    private static func nothingInCommon(
        _ section: PeerSection, _ theirs: String, _ ours: String, _ codecs: [MediaCodec], _ advice: String
    ) -> NegotiationFault {
        NegotiationFault(
            .incompatible,
            "\(section.words) has no codec in common: the peer \(theirs) \(section.codecNames); this side \(ours) "
                + codecs.map(\.description).joined(separator: ", "),
            advice: advice)
    }
}

/// A stream of ours, whichever way it goes.
protocol KindOfMedia { var kind: MediaKind? { get } }
extension OutgoingStream: KindOfMedia {}
extension IncomingStream: KindOfMedia {}

extension PeerSection {
    /// For sentences: `section 1 (video)`.
    var words: String { "section \(index) (\(name.prefix(32)))" }
}
