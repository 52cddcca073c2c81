import Negotiation
import RTP
import Sluice

extension PeerSession {
    /// A medium that the peer sends.
    struct ReceivedMedium: Sendable {
        /// How media lie in packets of each type.
        var formats: [UInt8: PayloadFormat]
        /// The type of packets that carry earlier frames beside their own (RED).
        var redundantType: UInt8?
        /// Types of packets that go out again (RTX), with the types of those that they repeat.
        var repairs: [UInt8: UInt8]
        /// The SSRC of those; nil where the peer does not announce it.
        var repairSource: UInt32?
        /// Numbers of header extensions.
        var (transportSequence, audioLevel): (UInt8?, UInt8?)
        /// SSRCs that the peer has announced; none where it announces none.
        var sources: [UInt32]
        /// Feedback needs no report before it.
        var isReduced: Bool
        /// The feedback that the peer understands.
        var feedback: FeedbackKinds

        /// The first medium of that kind which the peer sends; nil where there is none.
        init?(_ kind: MediaKind, in agreement: Agreement) {
            guard let section = agreement.sections.first(where: { $0.kind == kind && $0.receiving != nil }),
                let receiving = section.receiving
            else { return nil }
            (formats, repairs) = ([:], [:])
            for (type, content) in receiving.types {
                switch content {
                case .media(let codec): formats[type] = codec.format
                case .repair(let repeated): repairs[type] = repeated
                case .redundancy: redundantType = min(redundantType ?? type, type)
                }
            }
            guard !formats.isEmpty else { return nil }
            sources = receiving.sources.ssrcs
            repairSource = sources.first.flatMap { receiving.sources.repairs[$0] }
            transportSequence = receiving.extensions.id(of: .transportSequence)
            audioLevel = receiving.extensions.id(of: .audioLevel)
            (isReduced, feedback) = (section.isReduced, receiving.feedback)
        }

        /// All types of its packets.
        var types: [UInt8] { Array(formats.keys) + Array(repairs.keys) + (redundantType.map { [$0] } ?? []) }

        /// `delay` is the longest wait for a missing packet.
        func settings(delay: Interval) -> StreamReceiver.Settings? {
            guard let first = formats.min(by: { $0.key < $1.key }) else { return nil }
            var settings = StreamReceiver.Settings(format: first.value, payloadType: first.key, delay: delay)
            settings.others = formats
            settings.redundantType = redundantType
            settings.retransmissions = repairs
            settings.retransmissionSource = repairSource
            settings.transportSequence = transportSequence
            settings.audioLevel = audioLevel
            settings.asksAgain = feedback.contains(.missing)
            settings.sources.announced = Set(sources)
            // Its key says who it is.
            settings.sources.isTrusting = true
            return settings
        }
    }
}
