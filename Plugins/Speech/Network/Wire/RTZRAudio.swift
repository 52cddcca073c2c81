import G711
import Resampling
import Sluice
import Spool

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

    /// Of samples at 16 kHz. Throws where there is no memory.
    func resampler() throws -> Resampler {
        try Resampler(
            from: AudioLayout(.s16, rate: SpeechSamples.rate, channels: 1),
            to: AudioLayout(.s16, rate: rate, channels: 1))
    }

    /// Of samples at that rate.
    func bytes(_ samples: some Collection<Int16>) -> [UInt8] {
        switch encoding {
        case .linear: WaveHeader.bytes(samples)
        case .muLaw: samples.map { MuLaw.codes[Int(UInt16(bitPattern: $0) >> 2)] }
        case .aLaw: samples.map { ALaw.codes[Int(UInt16(bitPattern: $0) >> 2)] }
        }
    }
}

extension Resampler {
    /// The next samples of mono at 16 bits, of which it holds the last 16 back.
    func convert(_ samples: ArraySlice<Int16>) throws -> [Int16] {
        let room = room(for: samples.count)
        var count = 0
        var failure: (any Error)?
        let made = samples.withUnsafeBufferPointer { from in
            [Int16](unsafeUninitializedCapacity: room) { buffer, filled in
                guard let to = buffer.baseAddress else { return }
                do {
                    count = try convert(from.baseAddress, samples.count, into: to, room: room)
                } catch { failure = error }
                filled = count
            }
        }
        if let failure { throw failure }
        return made
    }
}
