import Sluice

/// Makes packets of the frames of one received stream: in the format that they tell, at their times on the line of all
/// streams. Of one lane.
public struct FramePackets {
    /// A frame is a packet now, or is left out.
    public struct Outcome {
        /// nil where the frame is left out.
        public var packet: Packet?
        /// It is left out since its format is none that is taken, and not since nothing has told a format yet.
        public var isRefused = false
        /// Its timestamp leaps though nothing is missing.
        public var isLeap = false
        /// How far the stream was moved here to be in step with the reference.
        public var shift = MediaTime.zero
    }

    /// As the frames have told it so far.
    public private(set) var format: FollowedFormat
    /// Of the session; set it before frames are taken.
    public var epoch: UInt32 = 0
    private let isVideo: Bool
    private let index: Int
    private let sourceClock: UInt16
    private var pool = Pool<Packet>()
    private var marksDiscontinuity = false
    private var hasSent = false

    /// `index` is that of the stream on the line, `sourceClock` that of the node.
    public init(_ format: FollowedFormat, isVideo: Bool, stream index: Int, sourceClock: UInt16) {
        (self.format, self.isVideo, self.index, self.sourceClock) = (format, isVideo, index, sourceClock)
    }

    /// The next frame does not continue those before: another source, or new numbers of the same.
    public mutating func restart(_ timeline: inout ReceiveTimeline, clockRate: Int) {
        timeline.restart(stream: index, clockRate: clockRate)
        format.restart()
        marksDiscontinuity = true
    }

    /// A frame was left out.
    public mutating func markDiscontinuity() { marksDiscontinuity = true }

    /// Takes a frame. `isAllowed` says whether its format is one that is taken.
    public mutating func take(
        _ frame: ReceivedFrame, on timeline: inout ReceiveTimeline, isAllowed: (MediaFormat) -> Bool = { _ in true }
    ) -> Outcome {
        let duration =
            isVideo ? MediaTime.zero : MediaTime(Int64(frame.samples), timescale: Int64(frame.format.clockRate))
        let place = timeline.place(
            frame.timestamp, stream: index, arrival: frame.arrival, duration: duration,
            reach: self.format.reach(of: frame.format))
        var outcome = Outcome(isLeap: place.isRestarted, shift: place.shift)
        let addsSets = self.format.follow(frame)
        guard let told = self.format.format else { return outcome }
        guard isAllowed(told) else {
            marksDiscontinuity = true
            outcome.isRefused = true
            return outcome
        }
        let prefix = addsSets ? told.configuration : []
        let packet = pool.take(told, count: prefix.count + frame.bytes.count)
        prefix.withUnsafeBytes {
            UnsafeMutableRawBufferPointer(rebasing: packet.mutableBytes[..<$0.count]).copyMemory(from: $0)
        }
        UnsafeMutableRawBufferPointer(rebasing: packet.mutableBytes[prefix.count...]).copyMemory(from: frame.bytes)
        packet.header.pts = place.time
        packet.header.dts = isVideo ? self.format.decodingTime(of: place.time) : place.time
        if !isVideo { packet.header.duration = duration }
        packet.header.captured = frame.arrival
        packet.header.epoch = epoch
        packet.header.sourceClock = sourceClock
        if frame.isKeyframe { packet.header.flags.insert(.keyframe) }
        if marksDiscontinuity || place.isRestarted || frame.isDiscontinuous && hasSent {
            packet.header.flags.insert(.discontinuity)
        }
        (marksDiscontinuity, hasSent) = (false, true)
        outcome.packet = packet
        return outcome
    }
}
