import RTP

/// The side that offers (RFC 8829, section 5.2): sections of its choice, in offers that follow each other on one
/// connection, each with an answer.
///
///     var offerer = Offerer(id: 7)
///     let mid = try offerer.add(outgoing: picture)
///     send(try offerer.offer(transport))
///     let agreement = try offerer.accept(PeerDescription(body))
///
/// A section keeps media id, place, payload types and streams. One that has ended is rejected in the next offer and
/// after the answer becomes another, with another media id. A call that throws changes nothing.
public struct Offerer: Sendable {
    private enum State { case open, ending, closed }

    private struct Place {
        var mid: String
        var kind: MediaKind
        var outgoing: OutgoingStream?
        var incoming: IncomingStream?
        var state = State.open
    }

    private let id: UInt64
    private var version: UInt64 = 0
    private var places: [Place] = []
    private var nextMid = 0
    private var numbers = PayloadNumbers()
    private var pending: [OfferedSection]?
    private var connection: PeerConnection?

    /// `id` tells the description from those of others; a random number.
    public init(id: UInt64) { self.id = id & UInt64(Int64.max) }

    /// An offer waits for its answer.
    public var isWaiting: Bool { pending != nil }

    /// Adds a section to the next offer: a stream that we send, one that we take, or both of one kind. Gives its media
    /// id. Throws where there are as many sections as a description may have.
    public mutating func add(
        outgoing: OutgoingStream? = nil, incoming: IncomingStream? = nil
    ) throws(NegotiationFault) -> String {
        guard let kind = outgoing?.kind ?? incoming?.kind, (incoming?.kind ?? kind) == kind else {
            throw NegotiationFault(
                .incompatible, "a section is for streams of one kind, with codecs",
                advice: "Offer one section for each.")
        }
        let place = Place(mid: String(nextMid), kind: kind, outgoing: outgoing, incoming: incoming)
        // While an offer waits, its sections are still those of their places.
        if pending == nil, let free = places.firstIndex(where: { $0.state == .closed }) {
            places[free] = place
        } else {
            guard places.count < SessionDescription.mostMedia else {
                throw NegotiationFault(
                    .incompatible, "a description has \(SessionDescription.mostMedia) sections at most",
                    advice: "End one before another is added.")
            }
            places.append(place)
        }
        nextMid += 1
        return place.mid
    }

    /// The next offer rejects the section of `mid`. Nothing where there is none.
    public mutating func end(_ mid: String) {
        guard let index = places.firstIndex(where: { $0.mid == mid && $0.state == .open }) else { return }
        places[index].state = .ending
    }

    /// The text of an offer. Throws where another one waits for its answer, or where nothing is offered.
    public mutating func offer(_ transport: OwnTransport) throws(NegotiationFault) -> String {
        guard pending == nil else {
            throw NegotiationFault(
                .unexpected, "an offer waits for its answer", advice: "Offer again after the answer, or withdraw.")
        }
        guard !places.isEmpty else {
            throw NegotiationFault(.incompatible, "there is nothing to offer", advice: "Add a section.")
        }
        var numbers = numbers
        var sections: [OfferedSection] = []
        for place in places {
            sections.append(
                place.state == .open
                    ? try OfferedSection(place.kind, mid: place.mid, place.outgoing, place.incoming, &numbers)
                    : OfferedSection(rejecting: place.kind, mid: place.mid))
        }
        (self.numbers, pending) = (numbers, sections)
        version += 1
        let description = OwnDescription(
            id: id, version: version, sections: sections.map(\.own), isGrouped: true, mixesExtensions: true)
        return description.text(transport, setup: .actpass)
    }

    /// The last offer counts no more. Nothing where none waits.
    public mutating func withdraw() { pending = nil }

    /// The outcome of the offer and its answer. Throws for an answer to no offer, one with other sections than the
    /// offer, and one with no codec in common; the offer then still waits.
    public mutating func accept(_ answer: PeerDescription) throws(NegotiationFault) -> Agreement {
        guard let pending else {
            throw NegotiationFault(
                .unexpected, "an answer came, and no offer waits for one", advice: "Answer each offer once.")
        }
        try check(answer, pending)
        var sections: [AgreedSection] = []
        for (offered, told) in zip(pending, answer.sections) { sections.append(try offered.agreed(told)) }
        let first = sections.first { $0.refusal == nil }
        var agreement = Agreement(
            sections: sections, transport: nil, isActive: connection?.isActive ?? false, restartsICE: false)
        if let first {
            let theirs = answer.sections[first.index].transport
            let next = try PeerConnection(theirs, after: connection, offering: false)
            agreement.transport = theirs
            agreement.isActive = next.isActive
            agreement.restartsICE = connection?.isRestarted(by: theirs) ?? false
            connection = next
        }
        for (index, section) in sections.enumerated() {
            if pending[index].own.isRejected || section.refusal != nil { places[index].state = .closed }
        }
        self.pending = nil
        return agreement
    }

    private func check(_ answer: PeerDescription, _ pending: [OfferedSection]) throws(NegotiationFault) {
        func fault(_ what: String) -> NegotiationFault {
            NegotiationFault(.unexpected, what, advice: "Answer the last offer, section by section.")
        }
        guard answer.sections.count == pending.count else {
            throw fault("the answer has \(answer.sections.count) sections, and the offer has \(pending.count)")
        }
        for (offered, told) in zip(pending, answer.sections) {
            guard told.name == offered.own.name else {
                throw fault("\(told.words) of the answer is \(offered.own.name) in the offer")
            }
            guard told.mid == offered.own.mid || (told.mid == nil && told.isRejected) else {
                throw fault(
                    "\(told.words) of the answer has the a=mid \(told.mid?.prefix(32) ?? "none"), and the offer has "
                        + (offered.own.mid ?? "none"))
            }
            guard told.isRejected || !offered.own.isRejected else {
                throw fault("\(told.words) of the answer is used, and the offer rejects it")
            }
            guard told.isRejected || told.isMultiplexed else {
                throw fault("\(told.words) of the answer has no a=rtcp-mux")
            }
        }
        let used = answer.sections.filter { !$0.isRejected }
        guard used.count < 2 || answer.groups.count == 1 && used.allSatisfy({ answer.groups[0].contains($0.mid ?? "") })
        else { throw fault("the sections of the answer are not in one BUNDLE group") }
    }
}
