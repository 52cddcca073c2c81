import Sluice

/// Which samples of a source come next: those of its items in order, and how many have to be made up where some are
/// missing. Counts and times alone; the samples themselves are somebody else's.
///
/// The position counts every sample that was handed on, made-up ones included, and stands for a time of the source. An
/// item that continues the one before it follows without looking at the position, so timestamps that are rounded, or
/// run a little differently from the samples, cost nothing. Otherwise its timestamp says what to do:
///
/// - a hole in front of it is filled to the sample;
/// - where the input had run dry, the position went on with the clock meanwhile. Media whose time has not come by then
///   follow where they belong, so a loss costs as many samples as were lost. Media that are late by then are not thrown
///   away: the position goes back to them. If silence was heard already, they wait first until the depth is rebuilt;
/// - timestamps that go back, repeat, or jump by more than they can have been late do not move the audio. It goes on
///   without a hole, and the position takes the new time.
public struct SampleIntake: Sendable {
    /// Samples a second of each channel.
    public let rate: Int
    /// Positions are multiples of this: 1 for samples of PCM, a packet's samples where packets cannot be cut.
    public let unit: Int64
    /// Samples that may be made up to conceal a hole; what is missing beyond them is silence.
    public let longestConcealed: Int64
    /// Samples handed on, or made up, so far.
    public private(set) var position: Int64 = 0
    /// Samples made up without a real one in between.
    public private(set) var madeInRow: Int64 = 0
    /// An item was placed, and a part of it is left.
    public private(set) var hasItem = false
    private var anchor = MediaTime.none
    private var itemStart: Int64 = 0
    private var itemCount: Int64 = 0
    private var expected = MediaTime.none
    private var heldUntil: Instant?
    private var heldTime = MediaTime.none

    /// A hole that timestamps alone tell of, larger than jitter, is believed if arrivals agree with it.
    static let believed = MediaTime.milliseconds(250)

    /// `rate` in Hz; `unit` and `longestConcealed` in samples.
    public init(rate: Int, unit: Int = 1, longestConcealed: Int) {
        self.rate = max(1, rate)
        self.unit = Int64(max(1, unit))
        self.longestConcealed = Int64(max(0, longestConcealed))
    }

    /// The next samples to hand on.
    public enum Piece: Equatable, Sendable {
        /// So many samples of the item, from its `offset` on.
        case media(offset: Int, count: Int)
        /// So many to be made up.
        case made(Int)
        /// An item has to be placed first, if there is one.
        case wantsItem
    }

    /// The effect on time of placing an item.
    public enum Placement: Equatable, Sendable {
        /// It continues what came before.
        case follows
        /// So many samples are missing before it.
        case hole(Int64)
        /// Its time has passed while the input was dry; it is played nevertheless. By so much.
        case late(MediaTime)
        /// Its timestamp does not continue what came before, by so much; negative where it went back.
        case jump(MediaTime)
        /// The first one, or one that says itself that it continues nothing.
        case anew
    }

    /// The first item was placed.
    public var isStarted: Bool { anchor.isKnown }
    /// The audio that was handed on last was made up, and nothing is there to follow it.
    public var isDry: Bool { madeInRow > 0 && !hasItem }
    /// The item's time, and when it begins, where it waits until the depth is rebuilt.
    public var held: (time: MediaTime, until: Instant)? { heldUntil.map { (heldTime, $0) } }
    /// Nothing real was heard for longer than what is concealed.
    public var isSilent: Bool { madeInRow > longestConcealed }

    /// The source's time of the sample at `position`, less `pending` that were handed on but not heard.
    public func time(pending: Double = 0) -> MediaTime {
        guard isStarted else { return .zero }
        let behind = MediaTime(ticks: Int64((pending * Double(MediaTime.ticksPerSecond) / Double(rate)).rounded()))
        return anchor + MediaTime(position, timescale: Int64(rate)) - behind
    }

    /// The next samples, up to `wanted`, at the time `now` of the grid.
    public mutating func next(_ wanted: Int, now: Instant) -> Piece {
        guard hasItem else { return .wantsItem }
        if let until = heldUntil {
            if now < until { return .made(wanted) }
            release()
        }
        if position < itemStart { return .made(Int(min(Int64(wanted), itemStart - position))) }
        let offset = position - itemStart
        return .media(offset: Int(offset), count: Int(min(Int64(wanted), itemCount - offset)))
    }

    /// So many samples were handed on as `next` said.
    public mutating func advance(media count: Int) {
        position += Int64(count)
        madeInRow = 0
        if position - itemStart >= itemCount { hasItem = false }
    }

    /// So many samples were made up as `next` said.
    public mutating func advance(made count: Int) {
        position += Int64(count)
        madeInRow += Int64(count)
    }

    /// Leaves out samples of the item: its rest where `count` is more than that.
    public mutating func skip(_ count: Int) -> Int {
        guard hasItem, heldUntil == nil, position >= itemStart else { return 0 }
        let taken = min(Int64(count), itemCount - (position - itemStart))
        position += taken
        if position - itemStart >= itemCount { hasItem = false }
        return Int(taken)
    }

    /// Lets go of the item, as an interruption does: the next one begins anew, and waits until the depth is rebuilt.
    public mutating func drop() {
        hasItem = false
        heldUntil = nil
        expected = .none
        madeInRow = max(madeInRow, longestConcealed + 1)
    }

    /// Samples of the item that were not handed on.
    public var left: Int64 { hasItem ? itemCount - max(0, position - itemStart) : 0 }

    /// Places the next item, of `count` samples. Call when `next` wants one.
    ///
    /// - Parameters:
    ///   - isLoss: what is missing before it was dropped on purpose, so nothing is to be filled.
    ///   - early: how much sooner than its time the item came, as the source's clock is known; nil if it is not.
    ///   - rebuilt: when the depth is rebuilt if the item has to wait for that.
    ///   - behind: samples by which what is heard is later than it should be. A hole in silence shrinks by them.
    public mutating func place(
        _ time: MediaTime, count: Int, isAnew: Bool, isLoss: Bool, early: Interval?, rebuilt: Instant,
        behind: Int64 = 0
    ) -> Placement {
        hasItem = true
        itemCount = Int64(max(0, count))
        itemStart = position
        heldUntil = nil
        let wasDry = madeInRow > 0
        let wasSilent = isSilent
        defer { expected = endTime(time) }
        guard isStarted, !isAnew, expected.isKnown || wasDry else {
            if isStarted && wasSilent { hold(time, rebuilt) } else { anchorItem(at: time) }
            return .anew
        }
        guard time.isKnown else {
            anchorItem(at: expected.isKnown ? expected : self.time())
            return .follows
        }
        let reference = wasDry ? self.time() : expected
        let step = time.ticks.subtractingReportingOverflow(reference.ticks)
        let offset = MediaTime(ticks: step.overflow ? .max : step.partialValue)
        if offset.ticks.magnitude <= tolerance.ticks.magnitude {
            anchorItem(at: time)
            return .follows
        }
        if offset < .zero {
            if wasSilent { hold(time, rebuilt) } else { anchorItem(at: time) }
            // A step back within what was heard made up is lateness; more is the timestamps' doing.
            let made = MediaTime(madeInRow, timescale: Int64(rate)) + tolerance
            return wasDry && offset.ticks >= -made.ticks ? .late(.zero - offset) : .jump(offset)
        }
        if isLoss || step.overflow || !isHole(offset, early) {
            if wasSilent { hold(time, rebuilt) } else { anchorItem(at: time) }
            return isLoss ? .follows : .jump(offset)
        }
        let whole = offset.rescaled(to: Int64(rate))
        let missing = (wasSilent ? max(0, whole - max(0, behind)) : whole) / unit * unit
        itemStart = position + missing
        setAnchor(time, index: itemStart)
        return .hole(missing)
    }

    /// Two readings of a timestamp ahead of its turn: media are missing, then it came when the clock says; or time
    /// jumped, then it came early by about as much.
    private func isHole(_ offset: MediaTime, _ early: Interval?) -> Bool {
        guard offset > SampleIntake.believed else { return true }
        guard let early else { return offset.ticks <= MediaTime.ticksPerSecond }
        return early.nanoseconds < Interval(offset).nanoseconds / 2 && offset.seconds < 60
    }

    private var tolerance: MediaTime {
        unit > 1
            ? MediaTime(unit / 2, timescale: Int64(rate)) : AudioFrame.Timeline.tolerance
    }

    private mutating func anchorItem(at time: MediaTime) {
        itemStart = position
        setAnchor(time.isKnown ? time : self.time(), index: position)
    }

    private mutating func setAnchor(_ time: MediaTime, index: Int64) {
        anchor = time - MediaTime(index, timescale: Int64(rate))
    }

    private mutating func hold(_ time: MediaTime, _ until: Instant) {
        heldUntil = until
        heldTime = time.isKnown ? time : self.time()
    }

    private mutating func release() {
        heldUntil = nil
        anchorItem(at: heldTime)
    }

    private func endTime(_ time: MediaTime) -> MediaTime {
        (time.isKnown ? time : anchor + MediaTime(itemStart, timescale: Int64(rate)))
            + MediaTime(itemCount, timescale: Int64(rate))
    }
}
