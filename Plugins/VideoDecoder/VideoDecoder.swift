import Bitstream
import CLibAV
import Geometry
import LibAV
import Sluice

/// Decodes VP8, H.264 and whatever else libavcodec knows to i420 pictures, in the decoder's own memory. Pictures that
/// their format or their codec says are to be turned come out upright.
///
/// Each picture keeps `captured` and the epoch of its packet. After a discontinuity nothing is decoded before a
/// keyframe. A packet that cannot be decoded is a lost picture: it is counted, said once, and a keyframe is asked for.
/// A picture over `max_width`, `max_height` or `max_pixels` is refused before it has memory.
public final class VideoDecoder: Node {
    public static let descriptor = NodeDescriptor(
        "video-decoder", summary: "Decodes coded video to i420 pictures", work: .heavy,
        example: #""decode": { "type": "video-decoder" }"#)

    let input = Input<Packet>("in", .codedVideo)
    let output = Output<VideoFrame>("out", .video([.i420]))

    @Parameter(
        "threads", default: 1, range: 1...64,
        help: "The number of threads. More decode faster; each adds a frame of delay in most codecs.")
    var threads: Int
    @Parameter(
        "max_width", default: PictureLimit.usualSide, range: 16...16_384,
        help: "The widest picture that is decoded, in pixels. A wider one is left out."
    )
    var maxWidth: Int
    @Parameter(
        "max_height", default: PictureLimit.usualSide, range: 16...16_384,
        help: "The highest picture that is decoded, in pixels. A higher one is left out.")
    var maxHeight: Int
    @Parameter(
        "max_pixels", default: PictureLimit.usualPixels, range: 256...268_435_456,
        help: "The most pixels of a picture that is decoded. "
            + "The default is the most of H.264's level 6.2, 8192x4352."
    )
    var maxPixels: Int

    private var context: NodeContext!
    private var decoder: Decoder?
    private var opened: MediaFormat?
    private var pictures = VideoFrameMaker(frameRate: nil)
    private var awaitsKeyframe = true
    private var marksDiscontinuity = false
    private var damaged: Metric.Counter!
    private var madeUp: Metric.Counter!
    private var skipped: Metric.Counter!
    private var tooLarge: Metric.Counter!
    private var askedAt: Instant?
    private var lastEnd = MediaTime.zero
    /// About what pictures lose.
    private var losses = Losses()

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        damaged = context.counter("damaged_packets")
        madeUp = context.counter("damaged_pictures")
        skipped = context.counter("skipped_before_keyframe")
        tooLarge = context.counter("too_large")
        guard let format = input.format, isAllowed(format) else { return }
        try open(format)
        guard let video = format.video, video.width > 0 else { return }
        output.fix(
            MediaFormat(
                video: VideoLayout(
                    width: video.width, height: video.height, pixelFormat: .i420, frameRate: video.frameRate,
                    pixelAspect: video.pixelAspect, orientation: video.orientation
                ).upright))
    }

    private func open(_ format: MediaFormat) throws {
        opened = format
        decoder = nil
        decoder = try Decoder(
            format, Decoder.Options(threads: threads, isLowDelay: true, limit: limit))
        pictures = VideoFrameMaker(
            frameRate: format.video?.frameRate, pixels: .i420, aspect: format.video?.pixelAspect ?? .square,
            orientation: format.video?.orientation ?? .upright
        ) { [weak self] in self?.tell($0) }
    }

    private func tell(_ sentence: String) { losses.tell(sentence, context) }

    public func process(now: Instant) {
        while let packet = input.next() {
            if input.formatChanged && opened != packet.format { change(packet.format, now) }
            if packet.header.flags.contains(.discontinuity) {
                drain(now)
                awaitsKeyframe = true
                marksDiscontinuity = true
            }
            if awaitsKeyframe && !packet.header.flags.contains(.keyframe) {
                skipped.add()
                continue
            }
            awaitsKeyframe = false
            decode(packet, now)
        }
    }

    /// Pictures that the old stream still holds come out first.
    private func change(_ format: MediaFormat, _ now: Instant) {
        drain(now)
        awaitsKeyframe = true
        opened = format
        decoder = nil
        guard isAllowed(format) else { return }
        do { try open(format) } catch { lose("\(error)", now) }
    }

    private func decode(_ packet: Packet, _ now: Instant) {
        guard let decoder else {
            if isAllowed(packet.format) {
                damaged.add()
            } else {
                refuse(packet.format.video.map { ($0.width, $0.height) })
            }
            // Pictures that depend on it are lost as well.
            awaitsKeyframe = true
            return
        }
        do {
            // A decoder that holds frames back refuses; they are taken after every packet, so once suffices.
            if try !decoder.send(packet) {
                receive(now)
                _ = try decoder.send(packet)
            }
            noteMadeUp(decoder, now)
        } catch {
            lose("damaged \(packet.format) (\(error)); going on", now)
        }
        receive(now)
    }

    private func receive(_ now: Instant) {
        guard let decoder else { return }
        // An error takes a picture from the decoder as well, or there is none.
        for _ in 0..<VideoDecoder.mostAtOnce {
            do {
                guard try decoder.receive() else { return }
                noteMadeUp(decoder, now)
                try send(decoder)
            } catch {
                lose("\(error)", now)
            }
        }
    }

    private func send(_ decoder: Decoder) throws {
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

    // MARK: Lost pictures

    /// More than any decoder holds back.
    private static let mostAtOnce = 256
    /// How often a keyframe is asked for while pictures are lost.
    private static let patience = Interval.milliseconds(500)

    private func lose(_ why: String, _ now: Instant) {
        if let size = decoder?.takeRefusedSize() {
            refuse(size)
            awaitsKeyframe = true
        } else {
            damaged.add()
            if damaged.count == 1 { context.log(.warning, "a picture is lost: \(why); counted as damaged_packets") }
        }
        askForKeyframe(now)
    }

    /// A picture is shown whose missing parts libavcodec has made up.
    private func noteMadeUp(_ decoder: Decoder, _ now: Instant) {
        guard let words = decoder.takeDamage() else { return }
        madeUp.add()
        if madeUp.count == 1 {
            context.log(
                .warning,
                "a picture is damaged, and what it lacks is made up (libavcodec: \(words)); "
                    + "counted as damaged_pictures")
        }
        askForKeyframe(now)
    }

    private func askForKeyframe(_ now: Instant) {
        guard askedAt.map({ now - $0 >= VideoDecoder.patience }) ?? true else { return }
        askedAt = now
        input.askForKeyframe()
    }

    private var limit: PictureLimit { PictureLimit(width: maxWidth, height: maxHeight, pixels: maxPixels) }

    private func isAllowed(_ format: MediaFormat) -> Bool {
        guard let video = format.video else { return true }
        return limit.holds(width: video.width, height: video.height)
    }

    private func refuse(_ size: (width: Int, height: Int)?) {
        tooLarge.add()
        guard tooLarge.count == 1 else { return }
        let claimed = size.map { "\($0.width)x\($0.height)" } ?? "unknown size"
        context.log(
            .warning,
            "a picture of \(claimed) is left out: \(limit.words). Raise them if it is meant; counted as too_large"
        )
    }

    private func drain(_ now: Instant) {
        guard let decoder else { return }
        _ = try? decoder.send(nil)
        receive(now)
        decoder.flush()
    }

    public func finish(now: Instant) -> Bool {
        drain(now)
        return true
    }

    public func close() { decoder = nil }
}
