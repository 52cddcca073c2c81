/// Lets windows through that are loud enough to hold speech, and some behind them, so that the detector costs nothing
/// in silence. Pure.
struct EnergyGate: Sendable {
    /// Mean square of full scale: speech that is softer than −65 dBFS is not heard.
    static let least: Float = 3.162_277_7e-7
    /// Windows behind a loud one: 320 ms.
    static let after = 10

    private var left = 0
    /// The gate was closed before the last window: the detector knows nothing of what came since.
    private(set) var wasClosed = true

    /// True where the window goes to the detector.
    mutating func opens(for window: UnsafeBufferPointer<Float>) -> Bool {
        var sum: Float = 0
        for sample in window { sum += sample * sample }
        wasClosed = left == 0
        // A sum that is no number is no speech.
        if sum >= EnergyGate.least * Float(window.count) { left = EnergyGate.after } else if left > 0 { left -= 1 }
        return left > 0
    }
}
