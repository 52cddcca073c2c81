import RTP

/// The outcome of a section of our offer and the peer's answer.
extension OfferedSection {
    /// Throws where the answer takes none of the offered codecs.
    func agreed(_ told: PeerSection) throws(NegotiationFault) -> AgreedSection {
        var agreed = AgreedSection(index: told.index, mid: own.mid, kind: kind, isReduced: told.isReduced)
        if own.isRejected || told.isRejected {
            agreed.refusal = own.isRejected ? "it has ended" : "the peer rejects it"
            return agreed
        }
        let direction = own.direction.and(told.direction.reversed)
        // An answer may only name what the offer has (RFC 8285, section 6).
        let entries = told.extensions.entries.filter { entry in
            own.extensions.entries.contains { $0.id == entry.id && $0.name == entry.name }
        }
        let extensions = ExtensionChoice(of: ExtensionMap(entries), kind, direction)
        let payloads = told.payloads.compactMap { usable($0) }
        if direction.sends, let stream = own.stream {
            agreed.sending = try sending(stream, payloads, told, extensions.sending)
        }
        if direction.receives {
            agreed.receiving = try receiving(payloads, told, extensions.receiving)
        }
        return agreed
    }

    /// A payload of the answer that the offer has too, with the feedback that both have.
    private func usable(_ told: SectionPayload) -> SectionPayload? {
        guard let offered = own.payloads.first(where: { $0.format.type == told.type }),
            offered.format.encodingName.lowercased() == told.format.encodingName.lowercased(),
            offered.format.clockRate == told.format.clockRate
        else { return nil }
        var told = told
        told.feedback.formIntersection(offered.feedback)
        return told
    }

    private func repairType(of type: UInt8, _ payloads: [SectionPayload]) -> UInt8? {
        payloads.first { $0.role == .repair(of: type) }?.type
    }

    private func redundancyType(of codec: MediaCodec, _ payloads: [SectionPayload]) -> UInt8? {
        codec.format == .opus ? payloads.first { $0.type == PayloadNumbers.redundancy }?.type : nil
    }

    private func sending(
        _ stream: OutgoingStream, _ payloads: [SectionPayload], _ told: PeerSection, _ extensions: ExtensionMap
    ) throws(NegotiationFault) -> AgreedSending {
        for payload in payloads {
            guard let codec = stream.codecs.first(where: { payload.accepts($0) }) else { continue }
            let repairs = own.repairs ? repairType(of: payload.type, payloads) : nil
            return AgreedSending(
                stream: stream, codec: codec, type: payload.type, repairType: repairs,
                redundancyType: redundancyType(of: codec, payloads), feedback: payload.feedback.tellable(extensions),
                extensions: extensions)
        }
        throw nothing(told, "sends", stream.codecs)
    }

    private func receiving(
        _ payloads: [SectionPayload], _ told: PeerSection, _ extensions: ExtensionMap
    ) throws(NegotiationFault) -> AgreedReceiving {
        var types: [UInt8: AgreedReceiving.Content] = [:]
        var feedback: FeedbackKinds?
        for payload in payloads {
            guard let codec = incoming?.codecs.first(where: { payload.provides($0) }) else { continue }
            types[payload.type] = .media(codec)
            feedback = (feedback ?? payload.feedback).intersection(payload.feedback)
            if let repair = repairType(of: payload.type, payloads) { types[repair] = .repair(of: payload.type) }
            if let type = redundancyType(of: codec, payloads) { types[type] = .redundancy(of: payload.type) }
        }
        guard !types.isEmpty else { throw nothing(told, "takes", incoming?.codecs ?? []) }
        return AgreedReceiving(
            types: types, feedback: (feedback ?? []).tellable(extensions), extensions: extensions,
            sources: told.sources, restrictions: told.restrictions)
    }

    private func nothing(_ told: PeerSection, _ ours: String, _ codecs: [MediaCodec]) -> NegotiationFault {
        NegotiationFault(
            .incompatible,
            "\(told.words) of the answer has none of the offered codecs: it has \(told.codecNames); this side \(ours) "
                + codecs.map(\.description).joined(separator: ", "),
            advice: "Use a peer that takes one of them.")
    }
}
