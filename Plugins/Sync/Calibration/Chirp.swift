import Glibc
import Sluice

/// The audio of a calibration mark: a sine burst that is added to what is there.
struct Chirp: Equatable {
    let start: MediaTime
    var length: MediaTime
    let epoch: UInt32

    static let frequency = 1_800.0
    /// Of full scale.
    static let amplitude = 22_000.0 / 32_767
    static let shortest = MediaTime.milliseconds(60)
    /// Fades last rate / 200 samples.
    static let fade = MediaTime.milliseconds(5)

    var end: MediaTime { start + length }

    /// As long as `pictures` pictures of this duration, at least 60 ms.
    static func length(of pictures: Int, each duration: MediaTime) -> MediaTime {
        max(shortest, duration.isKnown ? duration * Int64(pictures) : .zero)
    }

    func touches(_ header: MediaItem.Header) -> Bool {
        header.pts < end && header.pts + header.duration > start && (epoch == 0 || header.epoch == epoch)
    }

    /// Adds the part of the burst that falls into `frame`, which nobody else holds, with saturation.
    func add(to frame: AudioFrame) {
        let layout = frame.layout
        let rate = Int64(layout.rate)
        // The frame's first sample, counted from the burst's first; far off where times make no sense.
        let first = Int(min(max((frame.header.pts - start).rescaled(to: rate), -1 << 40), 1 << 40))
        let count = Int(length.rescaled(to: rate))
        let fade = layout.rate / 200
        let begin = max(0, -first)
        for position in begin..<max(begin, min(frame.sampleCount, count - first)) {
            let index = first + position
            let edge = min(index, count - 1 - index)
            let envelope = edge < fade ? Double(edge) / Double(fade) : 1
            let cycles = Chirp.frequency * Double(index) / Double(layout.rate)
            let value = Chirp.amplitude * envelope * sin(2 * .pi * (cycles - cycles.rounded(.down)))
            for channel in 0..<layout.channels {
                let place = position * layout.channels + channel
                switch layout.sampleFormat {
                case .s16:
                    let sum = Int(frame.s16[place]) + Int((value * 32_767).rounded())
                    frame.s16[place] = Int16(clamping: sum)
                case .f32: frame.f32[place] = max(-1, min(1, frame.f32[place] + Float(value)))
                case nil: break
                }
            }
        }
    }
}
