import Bitstream
import RTP
import Sluice

/// The configuration that receivers of a stream must be told, where its packets may go out.
enum SentConfiguration {
    /// How packets lie in RTP, and the codec's configuration.
    case known(PayloadFormat, [UInt8])
    /// Of AAC from a transport stream only packets tell it.
    case awaited

    /// `first` is the packet that is to be sent, where there is one. Throws for AAC that a description cannot tell.
    init?(_ format: MediaFormat, first: Packet?, of name: String) throws {
        guard let payload = PayloadFormat(codec: format.codec) else { return nil }
        guard format.codec == .aac else {
            self = .known(payload, format.configuration)
            return
        }
        if !format.configuration.isEmpty {
            guard let told = AudioSpecificConfig(format.configuration) else {
                throw NodeError(
                    "\(name): the configuration of its AAC is none of AAC-LC, HE-AAC and their kin",
                    advice: "Put audio-decoder -> aac-encoder before it.", isInputError: true)
            }
            self = .known(.aac(AACFraming(told)), told.bytes)
        } else if let told = first.flatMap({ AudioSpecificConfig(adts: $0.bytes) }) {
            self = .known(.aac(AACFraming(told)), told.bytes)
        } else {
            self = .awaited
        }
    }
}
