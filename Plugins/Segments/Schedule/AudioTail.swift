import Glibc
import Sluice

/// The last pieces of audio that were sent. By them an interruption can end with a fade of the audio that the next node
/// had not taken yet. So the audio that it heard last and the fade lie side by side.
struct AudioTail {
    private var pieces: [AudioFrame?]
    private var count = 0

    /// Remembers so many.
    init(capacity: Int) { pieces = Array(repeating: nil, count: max(1, capacity)) }

    mutating func note(_ frame: AudioFrame) {
        pieces[count % pieces.count] = frame
        count += 1
    }

    /// The first of the last `untaken` pieces that `isLost`; nil if there is none among those that are known.
    func first(ofLast untaken: Int, where isLost: (AudioFrame) -> Bool) -> AudioFrame? {
        let known = min(untaken, count, pieces.count)
        for index in count - max(0, known)..<count {
            if let piece = pieces[index % pieces.count], isLost(piece) { return piece }
        }
        return nil
    }

    /// Media time at which the last piece ends; nil before the first.
    var end: MediaTime? {
        guard count > 0, let last = pieces[(count - 1) % pieces.count] else { return nil }
        return last.header.pts + last.sampleDuration
    }
}

extension AudioFrame {
    /// Takes s16 samples from full to nothing along half a cosine, over all of the frame.
    func fadeOut() {
        let channels = layout.channels
        let samples = s16
        for index in 0..<sampleCount {
            let gain = 0.5 + 0.5 * cos(Double.pi * (Double(index) + 0.5) / Double(sampleCount))
            for channel in 0..<channels {
                let position = index * channels + channel
                samples[position] = Int16((Double(samples[position]) * gain).rounded())
            }
        }
    }
}
