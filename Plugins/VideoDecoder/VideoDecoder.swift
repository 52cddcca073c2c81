import CLibAV
import LibAV
import Sluice

/// Decodes VP8, H.264 and whatever else libavcodec knows to i420 pictures, in the decoder's own memory.
///
/// Each picture keeps `captured` and the epoch of its packet. After a discontinuity nothing is decoded before a keyframe.
public final class VideoDecoder: Node {
    public static let descriptor = NodeDescriptor(
        "video-decoder", summary: "Decodes coded video to i420 pictures", work: .heavy,
        example: #""decode": { "type": "video-decoder" }"#)

    let input = Input<Packet>("in", .codedVideo)
    let output = Output<VideoFrame>("out", .video([.i420]))

    @Parameter(
        "threads", default: 1, range: 1...64, help: "more decode faster; each adds a frame of delay in most codecs")
    var threads: Int

    private var context: NodeContext!
    private var decoder: Decoder?
    private var opened: MediaFormat?
    private var pictures = VideoFrameMaker(frameRate: nil)
    private var awaitsKeyframe = true
    private var marksDiscontinuity = false
    private var damaged: CounterMetric!
    private var skipped: CounterMetric!
    private var lastEnd = MediaTime.zero

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        damaged = context.counter("damaged_packets")
        skipped = context.counter("skipped_before_keyframe")
        guard let format = input.format else { return }
        try open(format)
        guard let video = format.video, video.width > 0 else { return }
        output.fix(
            MediaFormat(
                video: VideoLayout(
                    width: video.width, height: video.height, pixelFormat: .i420, frameRate: video.frameRate)))
    }

    private func open(_ format: MediaFormat) throws {
        decoder = try Decoder(format, Decoder.Options(threads: threads, isLowDelay: true))
        opened = format
        pictures = VideoFrameMaker(frameRate: format.video?.frameRate, pixels: .i420)
    }

    public func process(now: Instant) throws {
        while let packet = input.next() {
            if input.formatChanged && opened != packet.format { try change(packet.format) }
            if packet.header.flags.contains(.discontinuity) {
                try drain()
                awaitsKeyframe = true
                marksDiscontinuity = true
            }
            if awaitsKeyframe && !packet.header.flags.contains(.keyframe) {
                skipped.add()
                continue
            }
            awaitsKeyframe = false
            try decode(packet)
        }
    }

    /// What the old stream still holds comes out first.
    private func change(_ format: MediaFormat) throws {
        try drain()
        try open(format)
        awaitsKeyframe = true
    }

    private func decode(_ packet: Packet) throws {
        guard let decoder else { return }
        do {
            // A decoder that holds frames back refuses; they are taken after every packet, so once suffices.
            if try !decoder.send(packet) {
                try receive()
                _ = try decoder.send(packet)
            }
        } catch let error as AVError {
            damaged.add()
            if damaged.count == 1 { context.log(.warning, "damaged \(packet.format) (\(error)); going on") }
        }
        try receive()
    }

    private func receive() throws {
        guard let decoder else { return }
        while true {
            do {
                guard try decoder.receive() else { return }
            } catch {
                damaged.add()
                continue
            }
            let pts = decoder.framePts
            let origin = decoder.takeOrigin()
            let frame = try pictures.make(decoder.frame)
            frame.header.pts = pts.isKnown ? pts : lastEnd
            frame.header.dts = frame.header.pts
            frame.header.duration = origin?.duration ?? .none
            frame.header.captured = origin?.captured ?? Instant(nanoseconds: 0)
            frame.header.epoch = origin?.epoch ?? 0
            frame.header.sourceClock = origin?.sourceClock ?? 0
            if marksDiscontinuity { frame.header.flags.insert(.discontinuity) }
            marksDiscontinuity = false
            lastEnd = frame.header.pts + (frame.header.duration.isKnown ? frame.header.duration : .zero)
            output.send(frame)
        }
    }

    private func drain() throws {
        guard let decoder, !awaitsKeyframe else { return }
        _ = try? decoder.send(nil)
        try receive()
        decoder.flush()
    }

    public func finish(now: Instant) throws -> Bool {
        try drain()
        return true
    }

    public func close() { decoder = nil }
}
