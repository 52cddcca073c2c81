import G711
import Sluice

/// The form in which audio goes to RTZR. Pure.
struct RTZRAudio: Equatable, Sendable {
    /// As RTZR names them. It takes FLAC, AMR, AMR_WB and OGG_OPUS too, which nothing here makes.
    enum Encoding: String, CaseIterable, ParameterValue.Convertible, Sendable {
        case linear = "LINEAR16"
        case muLaw = "MULAW"
        case aLaw = "ALAW"
    }

    /// In Hz. Speech is heard at 16,000 here: RTZR's higher rates, up to 48,000, would add nothing.
    static let rates = [8_000, SpeechSamples.rate]

    var encoding = Encoding.linear
    var rate = SpeechSamples.rate

    /// Of samples at that rate.
    func bytes(_ samples: some Collection<Int16>) -> [UInt8] {
        switch encoding {
        case .linear: PCM.bytes(samples)
        case .muLaw: samples.map { MuLaw.codes[Int(UInt16(bitPattern: $0) >> 2)] }
        case .aLaw: samples.map { ALaw.codes[Int(UInt16(bitPattern: $0) >> 2)] }
        }
    }
}
