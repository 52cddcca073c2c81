import Sluice

/// Frames of one medium that wait until the output has room. The network is read meanwhile, so that arrival is stamped
/// in time and nothing is lost where nobody counts it.
///
/// Bounded by the time between the arrivals of the oldest and the newest, and by bytes. Of audio the oldest goes first,
/// of video everything before a later keyframe; where there is none, all of it up to the next one. Memory is kept.
public struct FrameQueue {
    private let longest: Interval
    private let mostBytes: Int
    private let isVideo: Bool
    private var slots: [Packet?] = []
    private var head = 0
    /// Frames that wait.
    public private(set) var count = 0
    /// Bytes of theirs.
    public private(set) var bytes = 0
    /// Video: nothing is taken before a keyframe.
    public private(set) var needsKeyframe = false
    /// The next frame does not follow the one that was handed out last.
    private var isBroken = false

    /// `longest`: between the arrivals of the oldest and the newest.
    public init(longest: Interval, mostBytes: Int, isVideo: Bool) {
        (self.longest, self.mostBytes, self.isVideo) = (longest, mostBytes, isVideo)
    }

    /// Nothing waits.
    public var isEmpty: Bool { count == 0 }

    /// Takes a frame, and gives how many were left out for it, itself perhaps among them.
    public mutating func append(_ frame: Packet) -> Int {
        if needsKeyframe {
            guard frame.header.flags.contains(.keyframe) else { return 1 }
            needsKeyframe = false
        }
        if count == slots.count { grow() }
        slots[(head + count) % slots.count] = frame
        count += 1
        bytes += frame.count
        var left = 0
        while count > 0, isOver(newest: frame) { left += leaveOut() }
        return left
    }

    /// The oldest frame, marked where it does not follow the one before.
    public mutating func next() -> Packet? {
        guard let frame = take() else { return nil }
        if isBroken { frame.header.flags.insert(.discontinuity) }
        isBroken = false
        return frame
    }

    private func isOver(newest: Packet) -> Bool {
        guard let oldest = slots[head] else { return false }
        return bytes > mostBytes || newest.header.captured - oldest.header.captured > longest
    }

    private mutating func leaveOut() -> Int {
        isBroken = true
        guard isVideo else {
            _ = take()
            return 1
        }
        var left = 0
        repeat {
            _ = take()
            left += 1
        } while count > 0 && slots[head]?.header.flags.contains(.keyframe) == false
        needsKeyframe = count == 0
        return left
    }

    private mutating func take() -> Packet? {
        guard count > 0, let frame = slots[head] else { return nil }
        slots[head] = nil
        head = (head + 1) % slots.count
        count -= 1
        bytes -= frame.count
        return frame
    }

    private mutating func grow() {
        var larger: [Packet?] = []
        larger.reserveCapacity(max(64, slots.count * 2))
        for index in 0..<count { larger.append(slots[(head + index) % slots.count]) }
        larger += [Packet?](repeating: nil, count: max(64, slots.count * 2) - count)
        (slots, head) = (larger, 0)
    }
}
