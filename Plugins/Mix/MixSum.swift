import Glibc
import Sluice

/// The sum of the inputs in one stretch, in floats.
struct MixSum {
    private var samples: [Float] = []
    private var channels = 1

    /// Begins with silence; `count` samples of each channel.
    mutating func clear(_ count: Int, channels: Int) {
        self.channels = channels
        let whole = count * channels
        if samples.count != whole {
            samples = [Float](repeating: 0, count: whole)
        } else {
            samples.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
        }
    }

    /// Adds a piece at a gain that moves evenly over the stretch of `length` samples.
    mutating func add(_ piece: Stretches.Piece, from: Float, to: Float, over length: Int) {
        guard from != 0 || to != 0 else { return }
        let channels = channels
        let step = (to - from) / Float(max(1, length))
        samples.withUnsafeMutableBufferPointer { sum in
            let target = sum.baseAddress! + piece.place * channels
            if piece.frame.layout.sampleFormat == .f32 {
                let source = piece.frame.f32.baseAddress! + piece.first * channels
                for index in 0..<piece.count {
                    let gain = from + step * Float(piece.place + index)
                    for channel in index * channels..<(index + 1) * channels {
                        // A sample that is no number would stay in the sum.
                        let sample = source[channel]
                        if sample > -1e4, sample < 1e4 { target[channel] += sample * gain }
                    }
                }
            } else {
                let source = piece.frame.s16.baseAddress! + piece.first * channels
                for index in 0..<piece.count {
                    let gain = (from + step * Float(piece.place + index)) * 0x1p-15
                    for channel in index * channels..<(index + 1) * channels {
                        target[channel] += Float(source[channel]) * gain
                    }
                }
            }
        }
    }

    /// Mean of the squares, in dBFS; −200 of silence.
    var level: Double {
        guard !samples.isEmpty else { return -200 }
        var sum: Float = 0
        for sample in samples { sum += sample * sample }
        return 10 * log10(max(Double(sum) / Double(samples.count), 1e-20))
    }

    /// Writes the sum, held at full scale; how many samples were louder.
    func write(to frame: AudioFrame) -> Int {
        var clipped = 0
        if frame.layout.sampleFormat == .f32 {
            let out = frame.f32
            for (index, sample) in samples.enumerated() {
                if sample > 1 || sample < -1 { clipped += 1 }
                out[index] = min(1, max(-1, sample))
            }
        } else {
            let out = frame.s16
            for (index, sample) in samples.enumerated() {
                let scaled = (sample * 0x1p15).rounded()
                if scaled > 32_767 || scaled < -32_768 { clipped += 1 }
                out[index] = Int16(min(32_767, max(-32_768, scaled)))
            }
        }
        return clipped
    }
}
