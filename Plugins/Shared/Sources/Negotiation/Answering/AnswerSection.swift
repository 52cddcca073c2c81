import RTP

/// A section of our answer, and what it comes to.
struct AnswerSection {
    var own: OwnSection
    var agreed: AgreedSection

    /// One that is rejected; `refusal` says why, as a clause.
    init(rejecting section: PeerSection, _ refusal: String) {
        own = OwnSection(
            rejecting: section.name, profile: section.profile, mid: section.mid, firstFormat: section.firstFormat)
        agreed = AgreedSection(
            index: section.index, mid: section.mid, kind: section.kind, isReduced: false, refusal: refusal)
    }

    /// One that carries the streams that were chosen. The streams that the direction
    /// forbids now are described and not agreed on.
    init(_ section: PeerSection, sending stream: OutgoingStream?, taking incoming: IncomingStream?) {
        let direction = section.direction.reversed.and(
            MediaDirection(sends: stream != nil, receives: incoming != nil))
        self.init(rejecting: section, "")
        agreed.refusal = nil
        agreed.isReduced = section.isReduced
        own.isRejected = false
        own.direction = direction
        own.isReduced = section.isReduced
        own.stream = stream
        let extensions = ExtensionChoice(of: section.extensions, section.kind, direction)
        own.extensions = extensions.lines

        let use = FeedbackKinds.use(
            in: direction, countsArrivals: extensions.lines.id(of: .transportSequence) != nil)
        var types = ChosenTypes(section, use)
        if let incoming { types.take(incoming, stream) }
        let sent = stream.flatMap { types.send($0) }
        own.payloads = types.payloads
        own.repairs = sent?.repairType != nil

        if var sent, direction.sends {
            (sent.extensions, sent.feedback) = (extensions.sending, sent.feedback.tellable(extensions.sending))
            agreed.sending = sent
        }
        if direction.receives {
            agreed.receiving = AgreedReceiving(
                types: types.contents, feedback: (types.takenFeedback ?? []).tellable(extensions.receiving),
                extensions: extensions.receiving, sources: section.sources, restrictions: section.restrictions)
        }
    }
}

/// The payload types of an offered section that an answer names, and what they are for.
private struct ChosenTypes {
    let section: PeerSection
    let use: FeedbackKinds
    private(set) var payloads: [OwnSection.Payload] = []
    private(set) var contents: [UInt8: AgreedReceiving.Content] = [:]
    /// Of all types that are taken.
    private(set) var takenFeedback: FeedbackKinds?

    init(_ section: PeerSection, _ use: FeedbackKinds) { (self.section, self.use) = (section, use) }

    /// The types that may come, ours in the order of our preference. `stream` may be sent by one of them.
    mutating func take(_ incoming: IncomingStream, _ stream: OutgoingStream?) {
        for codec in incoming.codecs {
            for payload in section.takeable(codec) where contents[payload.type] == nil {
                contents[payload.type] = .media(codec)
                takenFeedback = (takenFeedback ?? payload.feedback.intersection(use)).intersection(payload.feedback)
                let sent = stream?.codecs.first { payload.accepts($0) }
                let redundancy = section.redundancyType(of: payload.type)
                if let redundancy { contents[redundancy] = .redundancy(of: payload.type) }
                // The first type of an answer is the one that is sent.
                if incoming.wantsRedundancy { add(redundancy, of: payload) }
                add(payload, MediaCodec.answer(payload, sent: sent, taken: codec))
                if !incoming.wantsRedundancy { add(redundancy, of: payload) }
                if let repair = section.repairType(of: payload.type) {
                    contents[repair] = .repair(of: payload.type)
                    addRepair(repair)
                }
            }
        }
    }

    /// The type for a stream of ours; nil where the section has none.
    mutating func send(_ stream: OutgoingStream) -> AgreedSending? {
        for codec in stream.codecs {
            guard let payload = section.sendable(codec) else { continue }
            add(payload, MediaCodec.answer(payload, sent: codec, taken: nil))
            let repair = stream.repairSSRC == nil ? nil : section.repairType(of: payload.type)
            if let repair { addRepair(repair) }
            let redundancy = section.redundancyType(of: payload.type)
            add(redundancy, of: payload)
            return AgreedSending(
                stream: stream, codec: codec, type: payload.type, repairType: repair, redundancyType: redundancy,
                feedback: payload.feedback.intersection(use), extensions: ExtensionMap())
        }
        return nil
    }

    private mutating func add(_ payload: SectionPayload, _ parameters: [SessionDescription.Payload.Parameter]) {
        guard !payloads.contains(where: { $0.format.type == payload.type }) else { return }
        var format = payload.format
        format.parameters = parameters
        payloads.append(.init(format: format, feedback: payload.feedback.intersection(use)))
    }

    /// As the peer offers it, its reference to the type included.
    private mutating func addRepair(_ type: UInt8) {
        add(type) { $0.format.parameters.filter { $0.name.lowercased() == "apt" } }
    }

    private mutating func add(_ redundancy: UInt8?, of payload: SectionPayload) {
        guard let redundancy else { return }
        add(redundancy) { _ in [.init("\(payload.type)/\(payload.type)", "")] }
    }

    private mutating func add(_ type: UInt8, _ parameters: (SectionPayload) -> [SessionDescription.Payload.Parameter]) {
        guard var payload = section.payloads.first(where: { $0.type == type }) else { return }
        payload.feedback = []
        add(payload, parameters(payload))
    }
}
