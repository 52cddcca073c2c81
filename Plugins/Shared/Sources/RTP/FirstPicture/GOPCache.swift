import Sluice

/// The frames of a stream since its last keyframe, so that one who joins sees a picture at once. Frames are those that
/// viewers share: nothing is copied.
///
/// Bounded in time and in bytes. A group that grows beyond is dropped whole: without its keyframe the rest is no
/// picture, and there is nothing until the next one.
public struct GOPCache {
    /// A coded frame and its place in the stream.
    public struct Frame {
        /// Cut into payloads.
        public var frame: PacketizedFrame
        /// On the sender's line.
        public var time: MediaTime
        /// By the sender's wall clock, where packets tell it.
        public var captured: NTPTime?

        /// `time` on the line that timestamps are counted from.
        public init(_ frame: PacketizedFrame, at time: MediaTime, captured: NTPTime? = nil) {
            (self.frame, self.time, self.captured) = (frame, time, captured)
        }
    }

    private let longest: MediaTime
    private let mostBytes: Int
    /// From a keyframe on; empty before the first, and where the group was too long.
    public private(set) var frames: [Frame] = []
    /// Bytes of payload in `frames`.
    public private(set) var bytes = 0
    /// Groups that were dropped, as they were too long or too large.
    public private(set) var dropped = 0
    private var rate = StreamRate()

    /// `longest` of media, `mostBytes` of payload.
    public init(longest: MediaTime = .milliseconds(4_000), mostBytes: Int = 8 << 20) {
        (self.longest, self.mostBytes) = (longest, mostBytes)
    }

    /// The next frame of the stream.
    public mutating func add(_ frame: Frame) {
        rate.note(frame.frame.byteCount, at: frame.time)
        if frame.frame.isKeyframe { removeAll() }
        guard frame.frame.isKeyframe || !frames.isEmpty else { return }
        frames.append(frame)
        bytes += frame.frame.byteCount
        let span = frame.time - (frames.first?.time ?? frame.time)
        if span > longest || span < .zero || bytes > mostBytes {
            dropped += 1
            removeAll()
        }
    }

    /// The stream begins anew, or its frames are stale.
    public mutating func removeAll() {
        frames.removeAll(keepingCapacity: true)
        bytes = 0
    }

    /// Of the stream's payloads lately; nil before there is half a second of it.
    public var bitsPerSecond: Int? { rate.bitsPerSecond }
}

/// The bits a second of a stream, of its last two to four seconds.
struct StreamRate: Sendable {
    private var began: MediaTime?
    private var bytes = 0
    private var before: (bytes: Int, span: MediaTime)?
    private var end = MediaTime.zero

    private static let window = MediaTime.milliseconds(2_000)
    private static let shortest = MediaTime.milliseconds(500)

    mutating func note(_ count: Int, at time: MediaTime) {
        guard let start = began, time >= start, time - end < StreamRate.window else {
            (began, end, bytes, before) = (time, time, count, nil)
            return
        }
        if time - start >= StreamRate.window {
            before = (bytes, time - start)
            (began, bytes) = (time, 0)
        }
        bytes += count
        end = max(end, time)
    }

    var bitsPerSecond: Int? {
        guard let began else { return nil }
        let span = end - began + (before?.span ?? .zero)
        guard span >= StreamRate.shortest else { return nil }
        let milliseconds = max(1, Int(span.milliseconds))
        return (bytes + (before?.bytes ?? 0)) * 8_000 / milliseconds
    }
}
