import Sluice

/// A segment that has come whole.
final class Segment {
    let header: SegmentHeader
    /// The epoch of its frames.
    let epoch: UInt32
    /// In the order of arrival, from 0.
    var number = 0
    /// When it was complete, and when the user had finished speaking, both on the graph's clock.
    var enqueued = Instant(nanoseconds: 0)
    var userFinal: Instant?
    /// Which of its pictures are marked; nil for none.
    var marker: MarkerPlan?
    /// Pictures that were not sent yet. A sent one is let go, so that its memory serves the segment that arrives.
    private var frames: [VideoFrame?]
    /// All of its PCM.
    let audio: AudioFrame?

    init(_ header: SegmentHeader, epoch: UInt32, frames: [VideoFrame] = [], audio: AudioFrame? = nil) {
        (self.header, self.epoch, self.frames, self.audio) = (header, epoch, frames, audio)
    }

    func takeFrame(_ index: Int) -> VideoFrame? {
        guard frames.indices.contains(index) else { return nil }
        return frames[index].take()
    }
}
