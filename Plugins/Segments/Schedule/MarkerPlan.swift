import Sluice

/// Where the calibration marker of a segment lies: two pictures with a flash, and a chirp at the same media time. Pure.
struct MarkerPlan: Equatable {
    /// Pictures that carry the flash.
    let frames: Range<Int>
    /// From the segment's beginning to the flash and the chirp.
    let offset: MediaTime
    /// Of the chirp.
    let duration: MediaTime

    static let frequency = 1_800
    static let shortest = MediaTime.milliseconds(60)

    /// nil for a segment without both media.
    init?(_ header: SegmentHeader) {
        let count = header.playedFrames
        guard count > 0, header.playedSamples > 0 else { return nil }
        let first = count > 4 ? 2 : 0
        frames = first..<min(first + 2, count)
        offset = header.time(ofFrame: first)
        duration = max(MarkerPlan.shortest, header.time(ofFrame: frames.upperBound) - offset)
    }
}
