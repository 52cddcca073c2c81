import Sluice

/// Checks what a pacer sends, frame by frame, and keeps the last second of audio.
public final class PacedSink: Node {
    public static let descriptor = NodeDescriptor("paced-sink", summary: "Checks the cadence of what it gets")

    let audio = Input<AudioFrame>("audio", optional: true)
    let video = Input<Packet>("video", optional: true)

    public init() {}

    public private(set) var frames = 0
    /// Frames that did not come one frame after the one before, on the clock or by their timestamps.
    public private(set) var offGrid = 0
    /// Pictures, with the timestamps that they got and when they came.
    public private(set) var shown: [(number: Int64, dts: MediaTime, at: Instant)] = []
    /// Timestamp and instant of the first frame of audio.
    public private(set) var first: (pts: MediaTime, at: Instant)?
    /// The last second, −1 … 1.
    public private(set) var tail: [Float] = []
    /// The time of their first sample that frames tell on the source's clock, as a part of a second, where their
    /// samples do.
    public private(set) var told: [(pts: MediaTime, second: Double)] = []
    /// Called with each frame of audio.
    public var onFrame: ((Int, Instant) -> Void)?
    private var last: (pts: MediaTime, at: Instant)?

    private func noteTold(_ frame: AudioFrame) {
        guard frame.layout.sampleFormat == .f32, let begin = frame.f32.first, let end = frame.f32.last else { return }
        let length = Double(frame.sampleCount - 1) / Double(frame.layout.rate)
        // A frame that was made up or blended does not count up as time does.
        guard abs(Double(end - begin) - length) < length / 500 else { return }
        told.append((frame.header.pts, Double(begin)))
        if told.count > 3_000 { told.removeFirst(1_500) }
    }

    /// The last frame was made up, if only in part: a period that is repeated counts up as time does, and tells
    /// another.
    public func forgetLastTold() {
        if let last, told.last?.pts == last.pts { told.removeLast() }
    }

    public func process(now: Instant) {
        while let frame = audio.next() {
            if let last,
                frame.header.pts - last.pts != frame.sampleDuration || now - last.at != Interval(frame.sampleDuration)
            {
                offGrid += 1
            }
            last = (frame.header.pts, now)
            if first == nil { first = last }
            frames += 1
            tail += frame.layout.sampleFormat == .f32 ? Array(frame.f32) : frame.s16.map { Float($0) / 32_767 }
            if tail.count > 2 * frame.layout.rate { tail.removeFirst(tail.count - frame.layout.rate) }
            noteTold(frame)
            onFrame?(frames, now)
        }
        while let packet = video.next() {
            shown.append((packet.bytes.loadUnaligned(as: Int64.self), packet.header.dts, now))
        }
    }
}
