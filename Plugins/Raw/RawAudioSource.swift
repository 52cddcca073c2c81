import Glibc
import Pacing
import Sluice

/// PCM from a process or a file, read straight into the frames that are sent.
public final class RawAudioSource: Node, RawFrames {
    public static let descriptor = NodeDescriptor(
        "raw-audio-source", summary: "Reads PCM from standard input, a FIFO, a file or a Unix socket",
        example:
            #""microphone": { "type": "raw-audio-source", "path": "-", "sample_rate": 48000, "channels": 2, "sample_format": "s16le" }"#
    )

    let output = Output<AudioFrame>("out")
    @Parameter("path", help: "The input: a file, a FIFO, a Unix socket, or - for standard input. Empty gives no audio.")
    var path: String
    @Parameter("listen", default: false, help: "Makes the Unix socket at path and waits for a writer.")
    var listens: Bool
    @Parameter(
        "on_end", default: .finish, help: "Finishes when the writer goes, or reopens and waits for the next one.")
    var onEnd: OnEnd
    @Parameter("sample_rate", default: 48_000, range: 1_000...768_000, help: "The sample rate in Hz.")
    var sampleRate: Int
    @Parameter("channels", default: 2, range: 1...64, help: "The number of channels. Their samples are interleaved.")
    var channels: Int
    @Parameter("sample_format", default: .s16le, help: "The format of a sample in the stream.")
    var sampleFormat: RawSamples
    @Parameter(
        "timestamps", default: .count,
        help:
            "The origin of timestamps: count counts from the first arrival, "
            + "and is moved if it is off by over 40 ms; arrival takes the time of the first byte.")
    var timestamps: RawTimestamps
    @Parameter("frame_ms", default: 20, range: 1...1_000, help: "The length of the frames that are sent, in ms.")
    var frameMilliseconds: Double

    @Parameter(
        "when_late", default: .slip,
        help:
            "The answer if live media are over 500 ms late: slip holds the writer and "
            + "the session's other raw sources, drop leaves media out, fail ends the run."
    ) var whenLate: WhenLate

    private var reading: RawFrameReader?
    private var format: MediaFormat!
    private var pool = Pool<AudioFrame>()
    private let run = UnsafeMutablePointer<iovec>.allocate(capacity: 1)
    private var frame: AudioFrame?
    private var frameSamples = 0

    public init() {}

    deinit { run.deallocate() }

    public func prepare(_ context: NodeContext) throws {
        guard !path.isEmpty else {
            output.markAbsent()
            return context.finish()
        }
        format = MediaFormat(audio: AudioLayout(sampleFormat.format, rate: sampleRate, channels: channels))
        frameSamples = max(1, Int((Double(sampleRate) * frameMilliseconds / 1_000).rounded()))
        output.fix(format)
        let reader = try RawReader(RawEndpoint(path: path, listens: listens), onEnd: onEnd, context)
        let timeline = RawTimeline(timestamps, timescale: sampleRate, cutsUnits: true)
        reading = try RawFrameReader(reader, frames: self, timeline, nil, whenLate, context)
    }

    public func process(now: Instant) throws { try reading?.process(now: now) }

    public func close() { reading?.close() }

    // MARK: RawFrames

    var hasRoom: Bool { output.hasRoom }
    var frameBytes: Int { frameSamples * unit.bytes }
    var unit: (bytes: Int, count: Int64) { (format.audio!.bytesPerSample, 1) }

    func memory(from position: Int) -> UnsafeBufferPointer<iovec> {
        let frame = frame ?? pool.take(format, sampleCount: frameSamples)
        self.frame = frame
        run.initialize(to: iovec(iov_base: frame.buffer.bytes + position, iov_len: frameBytes - position))
        return UnsafeBufferPointer(start: run, count: 1)
    }

    func send(_ step: RawTimeline.Step, bytes: Int, _ moment: RawFrameReader.Moment) {
        guard let frame else { return }
        let cut = Int(step.cut) * unit.bytes
        if cut > 0 { memmove(frame.buffer.bytes, frame.buffer.bytes + cut, bytes - cut) }
        // The memory suffices, so the samples stay where they are.
        frame.reset(format: format, sampleCount: (bytes - cut) / unit.bytes)
        frame.header.pts = step.pts
        frame.header.dts = step.pts
        frame.header.duration = step.duration
        frame.header.captured = moment.captured
        frame.header.epoch = moment.epoch
        frame.header.flags = moment.isDiscontinuity ? .discontinuity : []
        self.frame = nil
        output.send(frame)
    }

    func refusal(ofVideo bytes: Int) -> NodeError? { nil }
}
