import Glibc

/// The voice of the talking figure: pulses of a pitch through three resonances (a parallel formant synthesiser after
/// Klatt 1980). Pure; samples follow each other from call to call.
struct FigureVoice {
    /// One resonance: the two-pole filter of Klatt 1980, section I.A.
    private struct Resonance {
        private var past = (0.0, 0.0)

        mutating func next(_ input: Double, frequency: Double, bandwidth: Double, rate: Double) -> Double {
            let radius = exp(-Double.pi * bandwidth / rate)
            let (b, c) = (2 * radius * cos(2 * Double.pi * frequency / rate), -radius * radius)
            let output = (1 - b - c) * input + b * past.0 + c * past.1
            past = (output, past.0)
            return output
        }
    }

    private let rate: Double
    /// Of the pitch, from 0 to 1.
    private var phase = 0.0
    private var flow = 0.0
    private var resonances = (Resonance(), Resonance(), Resonance())

    /// Peaks lie between −18 and −6 dBFS.
    private static let gain = 0.8

    /// Samples a second.
    init(rate: Int) { self.rate = Double(rate) }

    /// The sample at `time`, in seconds from the beginning of `speech`.
    mutating func next(_ speech: FigureSpeech, at time: Double) -> Int16 {
        let voiced = speech.voiced(at: time)
        var pulse = 0.0
        if let (syllable, loudness) = voiced {
            let place = (time - syllable.start) / syllable.length
            phase += (syllable.pitch.0 + (syllable.pitch.1 - syllable.pitch.0) * place) / rate
            phase -= phase.rounded(.down)
            // The glottis opens for six tenths of a period, and closes faster than it opens.
            pulse = phase < 0.6 ? sin(Double.pi * phase / 0.6) * phase / 0.6 * loudness : 0
        } else {
            phase = 0
        }
        // The lips radiate the change of the flow.
        let source = (pulse - flow) * rate / 4_000
        flow = pulse
        let formants = voiced?.syllable.vowel.formants ?? (500, 1_500, 2_500)
        let sum =
            resonances.0.next(source, frequency: formants.0, bandwidth: 80, rate: rate)
            + resonances.1.next(source, frequency: formants.1, bandwidth: 100, rate: rate)
            + 0.7 * resonances.2.next(source, frequency: formants.2, bandwidth: 140, rate: rate)
        return Int16(max(-1, min(1, sum * FigureVoice.gain)) * 32_767)
    }
}
