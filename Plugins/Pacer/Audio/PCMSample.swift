import Sluice

/// A sample as memory holds it, and as numbers are done with it: −1 … 1.
protocol PCMSample {
    var level: Float { get }
    init(level: Float)
}

extension Int16: PCMSample {
    @inline(__always) var level: Float { Float(self) / 32_768 }
    @inline(__always) init(level: Float) {
        let scaled = (level * 32_768).rounded()
        self = scaled >= 32_767 ? .max : scaled <= -32_768 ? .min : scaled.isNaN ? 0 : Int16(scaled)
    }
}

extension Float: PCMSample {
    @inline(__always) var level: Float { isFinite ? self : 0 }
    @inline(__always) init(level: Float) { self = level }
}

extension AudioFrame {
    /// Root of the mean square, 0 … 1; not-a-numbers count as silence.
    var loudness: Float {
        func sum<S: PCMSample>(_ samples: UnsafeMutableBufferPointer<S>) -> Float {
            guard !samples.isEmpty else { return 0 }
            var squares: Float = 0
            for sample in samples { squares += sample.level * sample.level }
            return (squares / Float(samples.count)).squareRoot()
        }
        return layout.sampleFormat == .s16 ? sum(s16) : sum(f32)
    }
}
