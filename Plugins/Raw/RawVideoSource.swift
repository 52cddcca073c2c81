import Glibc
import Pacing
import Sluice

/// Raw video from a process or a file, read straight into the frames that are sent.
public final class RawVideoSource: Node, RawFrames {
    public static let descriptor = NodeDescriptor(
        "raw-video-source", summary: "Reads raw video from standard input, a FIFO, a file or a Unix socket",
        work: .heavy,
        example:
            #""camera": { "type": "raw-video-source", "path": "video.fifo", "width": 1280, "height": 720, "fps": 30, "pixel_format": "i420" }"#
    )

    let output = Output<VideoFrame>("out")
    @Parameter("path", help: "The input: a file, a FIFO, a Unix socket, or - for standard input.") var path: String
    @Parameter("listen", default: false, help: "Makes the Unix socket at path and waits for a writer.")
    var listens: Bool
    @Parameter(
        "on_end", default: .finish, help: "Finishes when the writer goes, or reopens and waits for the next one.")
    var onEnd: OnEnd
    @Parameter("width", range: 1...16_384, help: "The width of a picture in pixels.") var width: Int
    @Parameter("height", range: 1...16_384, help: "The height of a picture in pixels.") var height: Int
    @Parameter(
        "fps", default: 30, range: 0.01...1_000,
        help: "The number of pictures a second. 29.97 and the like mean n × 1000/1001.")
    var framesPerSecond: Double
    @Parameter("pixel_format", default: .bgra, help: "The layout of a picture in the stream. Rows have no padding.")
    var pixelFormat: RawPixels

    @Parameter(
        "timestamps", default: .count,
        help:
            "The origin of timestamps: count counts from the first arrival, "
            + "and is moved if it is off by over 40 ms; arrival takes the time of the first byte.")
    var timestamps: RawTimestamps

    @Parameter(
        "when_late", default: .slip,
        help:
            "The answer if live media are over 500 ms late: slip holds the writer and "
            + "the session's other raw sources, drop leaves media out, fail ends the run."
    ) var whenLate: WhenLate

    private var reading: RawFrameReader!
    private var format: MediaFormat!
    private var rate = VideoLayout.FrameRate(30)
    private var pool = Pool<VideoFrame>()
    private let runs = PlaneRuns()
    private var frame: VideoFrame?
    private(set) var frameBytes = 0

    public init() {}

    public static func onlyFetches(with parameters: [String: ParameterValue]) -> Bool {
        guard case .string(let path) = parameters["path"], parameters["listen"] != .boolean(true) else { return false }
        return RawEndpoint(path: path, listens: false).isRegularFile
    }

    public func prepare(_ context: NodeContext) throws {
        rate = VideoLayout.FrameRate(perSecond: framesPerSecond)
        let layout = VideoLayout(width: width, height: height, pixelFormat: pixelFormat.format, frameRate: rate)
        format = MediaFormat(video: layout)
        frameBytes = PlaneRuns.byteCount(layout)
        output.fix(format)
        let reader = try RawReader(RawEndpoint(path: path, listens: listens), onEnd: onEnd, context)
        let timeline = RawTimeline(timestamps, timescale: rate.numerator, cutsUnits: false)
        let alignment =
            reader.isLive ? RawAlignment(pictureBytes: frameBytes, period: Interval(format.nominalDuration)) : nil
        reading = try RawFrameReader(reader, frames: self, timeline, alignment, whenLate, context)
    }

    public func process(now: Instant) throws { try reading.process(now: now) }

    public func close() { reading?.close() }

    // MARK: RawFrames

    var hasRoom: Bool { output.hasRoom }
    var unit: (bytes: Int, count: Int64) { (frameBytes, Int64(rate.denominator)) }

    func memory(from position: Int) -> UnsafeBufferPointer<iovec> {
        let frame = frame ?? pool.take(format)
        self.frame = frame
        return runs.of(frame, from: position)
    }

    func send(_ step: RawTimeline.Step, bytes: Int, _ moment: RawFrameReader.Moment) {
        guard let frame else { return }
        frame.header.pts = step.pts
        frame.header.dts = step.pts
        frame.header.duration = step.duration
        frame.header.captured = moment.captured
        frame.header.epoch = moment.epoch
        frame.header.flags = moment.isDiscontinuity ? [.keyframe, .discontinuity] : .keyframe
        self.frame = nil
        output.send(frame)
    }

    /// Pictures of one of the usual sizes come instead: what would be sent shows nothing.
    func refusal(ofVideo bytes: Int) -> NodeError? {
        guard let guess = VideoSizes.guess(bytes: bytes, expected: format.video!) else { return nil }
        return NodeError(
            "the writer sends pictures of \(bytes) bytes; one of \(width)x\(height) \(pixelFormat.rawValue) has \(frameBytes)",
            advice: "\(guess) has that size: set width, height and pixel_format to what it sends.")
    }
}
