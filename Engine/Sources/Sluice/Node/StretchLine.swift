/// One input of `Stretches`: where its frames belong among the samples that all share. Knows no port, reads no clock.
///
/// Positions count samples from the beginning. A frame that continues the one before it follows it; another one stands
/// where its time says. A frame whose place has passed, or that would stand in the way of one before it, is moved to
/// where there is room, and so are those that continue it: late audio is heard late and not lost. Only the beginning of
/// a frame that is late by less than a few milliseconds is cut.
struct StretchLine {
    /// Frames that were taken, oldest first, each with its place.
    private(set) var held: ContiguousArray<Placed> = []
    /// The first sample that nothing was placed at.
    private(set) var end: Int64 = 0
    /// Its times count from other zeros than those of the others.
    private var offset = MediaTime.zero
    private var timeline = AudioFrame.Timeline()
    private var origin: Int64 = 0
    private var clock: UInt16?

    struct Placed {
        let frame: AudioFrame
        /// Of the frame's first sample, whether it is used or not.
        let start: Int64
        /// Samples that are left out at the frame's beginning.
        let cut: Int
        var end: Int64 { start + Int64(frame.sampleCount) }
    }

    /// Where a frame belongs.
    struct Place: Equatable {
        /// Of its first sample; less than it may be where its beginning is cut.
        var start: Int64
        var cut = 0
        /// Its time says another place: by so much later does it go on.
        var moved = MediaTime.zero
        fileprivate var isContinued = false
    }

    /// The scale of positions.
    struct Scale {
        /// The time of position 0.
        var zero: MediaTime
        /// Of the input whose times count.
        var clock: UInt16
        var rate: Int

        func time(of position: Int64) -> MediaTime { zero + MediaTime(position, timescale: Int64(rate)) }
    }

    /// Late by less than this, a frame loses its beginning rather than move all that follow it.
    private static let cutAtMost = MediaTime.milliseconds(10)
    /// A time further ahead is another time, not a hole.
    private static let longestHole = MediaTime.milliseconds(60_000)
    /// Times of another clock are taken as they are if they are no further off.
    private static let sameAnyway = MediaTime.milliseconds(1_000)

    /// How far apart two items may be whose times are taken as they are.
    static func reach(_ one: UInt16, _ other: UInt16) -> MediaTime {
        MediaItem.Header.areOne(one, other) ? longestHole : sameAnyway
    }

    /// Where the next frame belongs when everything before `position` has been handed out. Changes nothing.
    func place(_ header: MediaItem.Header, count: Int, position: Int64, _ scale: Scale) -> Place {
        let free = max(end, position)
        if timeline.isContinued(by: header) {
            return settled(Place(start: end, isContinued: true), count, free, scale)
        }
        guard header.pts.isKnown else { return Place(start: free) }
        let here = scale.time(of: position)
        var shift = offset
        if clock != header.sourceClock {
            let off = distance(header.pts, here)
            let limit = StretchLine.reach(header.sourceClock, scale.clock)
            shift = off.ticks.magnitude <= limit.ticks.magnitude ? .zero : here - header.pts
        }
        let ahead = distance(header.pts + shift, here)
        guard ahead <= StretchLine.longestHole, ahead.ticks > -StretchLine.longestHole.ticks * 60 else {
            return Place(start: free, moved: .zero - ahead)
        }
        return settled(Place(start: position + ahead.rescaled(to: Int64(scale.rate))), count, free, scale)
    }

    private func distance(_ a: MediaTime, _ b: MediaTime) -> MediaTime {
        let off = a.ticks.subtractingReportingOverflow(b.ticks)
        return off.overflow ? MediaTime(ticks: .max / 2) : MediaTime(ticks: off.partialValue)
    }

    private func settled(_ place: Place, _ count: Int, _ free: Int64, _ scale: Scale) -> Place {
        var place = place
        let late = free - place.start
        guard late > 0 else { return place }
        let time = MediaTime(late, timescale: Int64(scale.rate))
        if time <= StretchLine.cutAtMost, late < Int64(count) {
            place.cut = Int(late)
        } else {
            (place.start, place.moved, place.isContinued) = (free, time, false)
        }
        return place
    }

    /// Takes a frame to where `place` has put it.
    mutating func append(_ frame: AudioFrame, at place: Place, _ scale: Scale) {
        let header = frame.header
        if !place.isContinued {
            timeline = AudioFrame.Timeline(start: header.pts, rate: scale.rate)
            origin = place.start
            offset = header.pts.isKnown ? scale.time(of: place.start) - header.pts : .zero
        }
        clock = header.sourceClock
        timeline.advance(frame.sampleCount)
        held.append(Placed(frame: frame, start: place.start, cut: place.cut))
        end = origin + timeline.count
    }

    /// Lets go of what lies before `position`.
    mutating func drop(before position: Int64) {
        while let first = held.first, first.end <= position { held.removeFirst() }
    }

    /// Lets go of frames that are no longer wanted.
    mutating func drop(where isStale: (AudioFrame) -> Bool) {
        guard held.contains(where: { isStale($0.frame) }) else { return }
        held.removeAll { isStale($0.frame) }
        end = held.last?.end ?? 0
        timeline = AudioFrame.Timeline()
    }
}
