import RTP

/// A section of an offer of ours, and the codecs that its payload types stand for.
struct OfferedSection {
    let own: OwnSection
    let kind: MediaKind
    let incoming: IncomingStream?
    private(set) var codecs: [UInt8: MediaCodec] = [:]

    /// Of our offers; the peer's answer has the same (RFC 8285, section 6).
    private static func extensions(_ kind: MediaKind) -> ExtensionMap {
        ExtensionMap(
            (kind == .audio ? [.init(1, .audioLevel)] : [.init(5, .playoutDelay)])
                + [.init(2, .absoluteSendTime), .init(3, .transportSequence), .init(4, .mediaID)])
    }

    /// One that is rejected.
    init(rejecting kind: MediaKind, mid: String) {
        self.kind = kind
        incoming = nil
        own = OwnSection(
            rejecting: kind.rawValue, profile: "UDP/TLS/RTP/SAVPF", mid: mid, firstFormat: kind == .audio ? "0" : "96")
    }

    /// Throws where payload types are used up.
    init(
        _ kind: MediaKind, mid: String, _ outgoing: OutgoingStream?, _ incoming: IncomingStream?,
        _ numbers: inout PayloadNumbers
    ) throws(NegotiationFault) {
        (self.kind, self.incoming) = (kind, incoming)
        let direction = MediaDirection(sends: outgoing != nil, receives: incoming != nil)
        var own = OfferedSection(rejecting: kind, mid: mid).own
        own.isRejected = false
        own.direction = direction
        own.isReduced = true
        own.stream = outgoing
        own.repairs = kind == .video && outgoing?.repairSSRC != nil
        own.extensions = ExtensionChoice(of: OfferedSection.extensions(kind), kind, direction).lines
        var feedback = FeedbackKinds.use(in: direction, countsArrivals: true)
        if kind == .audio { feedback.formIntersection([.missing, .arrivals]) }

        let taken = incoming?.codecs ?? []
        // The peer sends the first of these that it can.
        for codec in taken + (outgoing?.codecs ?? []) {
            let pair = try numbers.pair(for: codec)
            guard codecs[pair.type] == nil else { continue }
            codecs[pair.type] = codec
            let name = codec.format.encodingName
            let (rate, isOpus) = (codec.format.clockRate, codec.format == .opus)
            let format = SessionDescription.Payload(
                type: pair.type, encodingName: name, clockRate: rate, channels: isOpus ? 2 : 1,
                parameters: codec.offer(
                    sent: outgoing?.codecs.first { $0.format == codec.format },
                    taken: taken.first { $0.format == codec.format }))
            let media = OwnSection.Payload(format: format, feedback: feedback)
            let redundancy = SessionDescription.Payload(
                type: PayloadNumbers.redundancy, encodingName: "red", clockRate: rate, channels: 2,
                parameters: [.init("\(pair.type)/\(pair.type)", "")])
            if isOpus {
                let isFirst = incoming?.wantsRedundancy ?? false
                own.payloads += isFirst ? [.init(format: redundancy), media] : [media, .init(format: redundancy)]
            } else {
                own.payloads.append(media)
            }
            if let repair = pair.repair, own.repairs || !taken.isEmpty {
                own.payloads.append(
                    .init(
                        format: .init(
                            type: repair, encodingName: "rtx", clockRate: rate,
                            parameters: [.init("apt", String(pair.type))])))
            }
        }
        self.own = own
    }
}
