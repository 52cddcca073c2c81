import Sluice

/// The last frames of a stream, so that speech can be handed out from before it was known to be speech. Frames are kept
/// by reference; nothing is copied. Samples are counted from the beginning of the stretch. One lane only.
struct HeldFrames {
    /// A part of a frame: `count` samples of each channel from `first` on.
    struct Piece {
        let frame: AudioFrame
        let first: Int
        let count: Int
        /// Of the frame's first sample.
        let time: MediaTime

        var isWhole: Bool { count == frame.sampleCount }
    }

    private struct Held {
        let frame: AudioFrame
        let first: Int64
        let time: MediaTime
        var end: Int64 { first + Int64(frame.sampleCount) }
    }

    private var frames: [Held] = []

    mutating func append(_ frame: AudioFrame, first: Int64, time: MediaTime) {
        frames.append(Held(frame: frame, first: first, time: time))
    }

    /// In order. Samples that never came are left out.
    func pieces(_ range: Range<Int64>) -> [Piece] {
        frames.compactMap { held in
            let part = range.clamped(to: held.first..<held.end)
            guard !part.isEmpty else { return nil }
            return Piece(
                frame: held.frame, first: Int(part.lowerBound - held.first), count: part.count, time: held.time)
        }
    }

    mutating func drop(before sample: Int64) {
        let gone = frames.prefix { $0.end <= sample }.count
        if gone > 0 { frames.removeFirst(gone) }
    }

    mutating func removeAll() { frames.removeAll(keepingCapacity: true) }
}
