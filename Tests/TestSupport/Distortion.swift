import Glibc

/// The rest of `samples` when the sine in them, of about `hertz`, is taken out, against that sine, in dB: total
/// harmonic distortion and noise as AES17 measures it, the notch being a least-squares fit whose frequency is searched.
public func distortionDecibels(_ samples: [Double], hertz: Double, rate: Double) -> Double {
    func residual(_ frequency: Double) -> (rest: Double, tone: Double) {
        var (ss, cc, sc, xs, xc, xx) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        let step = 2 * Double.pi * frequency / rate
        for (index, x) in samples.enumerated() {
            let (s, c) = (sin(step * Double(index)), cos(step * Double(index)))
            ss += s * s
            cc += c * c
            sc += s * c
            xs += x * s
            xc += x * c
            xx += x * x
        }
        let determinant = ss * cc - sc * sc
        let a = (xs * cc - xc * sc) / determinant
        let b = (xc * ss - xs * sc) / determinant
        let tone = a * xs + b * xc
        return (max(0, xx - tone), tone)
    }
    var (low, high) = (hertz - 2, hertz + 2)
    for _ in 0..<60 {
        let (first, second) = (low + (high - low) * 0.382, low + (high - low) * 0.618)
        if residual(first).rest < residual(second).rest { high = second } else { low = first }
    }
    let best = residual((low + high) / 2)
    return 10 * log10(max(best.rest, 1e-300) / best.tone)
}
