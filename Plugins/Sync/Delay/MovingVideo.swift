import Sluice

/// Moves pictures: their times grow by the delay, and where it falls, those that would not come after the last one are
/// left out. Where it grows, the last picture stays a little longer.
struct MovingVideo {
    private(set) var cut = 0
    private var pool = Pool<VideoFrame>()
    private var last = MediaTime.none
    private var carriedFlags = MediaItem.Header.Flags()

    /// The picture as it goes out, or nil if it is left out. Its memory is shared, not copied.
    mutating func pass(_ frame: VideoFrame, delay: MediaTime) -> VideoFrame? {
        guard delay > .zero || last.isKnown else { return frame }
        var header = frame.header
        if header.pts.isKnown { header.pts += delay }
        if header.dts.isKnown { header.dts += delay }
        if header.flags.contains(.discontinuity) { last = .none }
        if last.isKnown, header.pts.isKnown, header.pts <= last {
            cut += 1
            // The next picture has fields of its own, or none.
            carriedFlags.formUnion(header.flags.subtracting([.interlaced, .bottomFieldFirst]))
            return nil
        }
        if header.pts.isKnown { last = delay > .zero ? header.pts : .none }
        guard delay > .zero || !carriedFlags.isEmpty else { return frame }
        let moved = pool.take(showing: frame)
        header.flags.formUnion(carriedFlags)
        carriedFlags = []
        moved.header = header
        return moved
    }

    /// A new epoch: what was waiting was thrown away, so many pictures.
    mutating func reset(discarding pictures: Int) {
        cut += pictures
        last = .none
        carriedFlags = []
    }
}
