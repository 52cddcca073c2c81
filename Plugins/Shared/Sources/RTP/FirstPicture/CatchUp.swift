import Sluice

/// One viewer's way from the cached group of pictures to the live ones. Pure: frames in, packets out, and when it wants
/// to be called.
///
/// The cached frames go out with their own timestamps at twice the stream's rate, at most the receiver's estimate, and
/// the live ones behind them, until none waits; from then on each goes at once. A keyframe that comes meanwhile
/// overtakes what waits. Where that takes longer than `patience`, or at the first loss that is reported, the next
/// keyframe is awaited: more of the same would only be lost too.
///
/// Tried with Chromium at 2 s from keyframe to keyframe: the first picture after 10 ms instead of 840, and no lasting
/// delay. Sent at once through a narrow link, hundreds of packets are lost; at twice the rate none.
public struct CatchUp {
    /// How far the viewer is.
    public enum State: Equatable, Sendable {
        /// Behind the live pictures.
        case behind
        /// Each picture goes out as it comes.
        case live
        /// Nothing goes out before the next keyframe.
        case awaitingKeyframe
    }

    /// How far the viewer is.
    public private(set) var state: State
    /// Bits a second that the receiver takes; nil before it has told an estimate.
    public var estimate: Int?
    private let streamRate: Int
    private let deadline: Instant
    private let mostBytes: Int
    private var waiting: [GOPCache.Frame] = []
    private var head = 0
    private var waitingBytes = 0
    /// Packets of a frame are going out.
    private var isSending = false
    /// When the next packet may go while the viewer is behind.
    private var free: Instant

    /// Where a stream's rate is not known yet.
    static let usualRate = 2_500_000
    /// Slower than this nobody catches up.
    static let leastRate = 300_000
    /// Timers are late: packets for so long may go together.
    static let burst = Interval.milliseconds(5)

    /// Begins with what `cache` holds. `mostBytes` of payload wait at most.
    public init(
        _ cache: GOPCache, now: Instant, patience: Interval = .milliseconds(2_000), mostBytes: Int = 16 << 20
    ) {
        waiting = cache.frames
        waitingBytes = cache.bytes
        state = cache.frames.isEmpty ? .awaitingKeyframe : .behind
        streamRate = cache.bitsPerSecond ?? CatchUp.usualRate
        deadline = now + patience
        free = now
        self.mostBytes = mostBytes
    }

    /// The next frame of the live stream.
    public mutating func add(_ frame: GOPCache.Frame) {
        if frame.frame.isKeyframe {
            if state == .awaitingKeyframe { state = .live }
            if state == .behind { forget() }
        } else if state == .awaitingKeyframe {
            return
        }
        waiting.append(frame)
        waitingBytes += frame.frame.byteCount
        if waitingBytes > mostBytes { giveUp() }
    }

    /// The receiver has told that it lacks packets.
    public mutating func noteLoss() {
        if state == .behind { giveUp() }
    }

    /// Writes the next packet that may go out to `room` and gives its size; nil where none may now. A packet that does
    /// not fit gives more than `room` holds, as in `StreamSender.next`.
    public mutating func next(
        _ sender: inout StreamSender, into room: UnsafeMutableRawBufferPointer, now: Instant
    ) -> Int? {
        if state == .behind, now >= deadline { giveUp() }
        while true {
            if isSending {
                guard state == .live || free <= now else { return nil }
                if let size = sender.next(into: room, now: now) {
                    pace(min(size, room.count), now)
                    return size
                }
                isSending = false
            }
            guard head < waiting.count else {
                if state == .behind { state = .live }
                return nil
            }
            let frame = waiting[head]
            head += 1
            waitingBytes -= frame.frame.byteCount
            if head == waiting.count { forget() }
            sender.begin(frame.frame, at: frame.time, captured: frame.captured)
            isSending = true
        }
    }

    /// The viewer is up to date, and `next` has nothing before the next `add`.
    public var isIdle: Bool { state == .live && !isSending && head == waiting.count }

    /// When `next` has a packet; nil while nothing waits for time to pass.
    public var due: Instant? {
        guard state != .live else { return nil }
        return isSending || head < waiting.count ? (state == .behind ? min(free, deadline) : free) : nil
    }

    private var rate: Int { max(CatchUp.leastRate, min(2 * streamRate, estimate ?? .max)) }

    private mutating func pace(_ bytes: Int, _ now: Instant) {
        free = max(free, now - CatchUp.burst) + Interval(nanoseconds: Int64(bytes) * 8_000_000_000 / Int64(rate))
    }

    /// The packets of a frame that was begun still go out.
    private mutating func giveUp() {
        state = .awaitingKeyframe
        forget()
    }

    private mutating func forget() {
        waiting.removeAll(keepingCapacity: true)
        (head, waitingBytes) = (0, 0)
    }
}
