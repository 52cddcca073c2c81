import Resampling
import Sluice

/// Gives PCM another rate, number of channels or sample format. A frame that already is as it should be passes
/// untouched, and a format that changes in mid-stream is followed.
///
/// Samples are counted from the last discontinuity on, and every timestamp is computed from the count. A resampler
/// holds a few samples back. Where the samples end, jump or change epoch they are pushed out. So as many come out as
/// went in, to the nearest at the new rate.
public final class AudioConvert: Node {
    public static let descriptor = NodeDescriptor(
        "audio-convert", summary: "Gives PCM another rate, number of channels or sample format",
        example: #""speech": { "type": "audio-convert", "sample_rate": 16000, "channels": 1, "sample_format": "s16" }"#)

    let input = Input<AudioFrame>("in", .rawAudio)
    let output = Output<AudioFrame>(
        "out", .rawAudio,
        variants: AudioLayout.SampleFormat.allCases.map {
            FormatSet.Variant(parameter: "sample_format", value: .string($0.rawValue), formats: .audio([$0]))
        })

    @Parameter(
        "sample_rate", default: 0, range: 0...384_000, help: "The sample rate in Hz. 0 keeps the rate that comes.")
    var rate: Int
    @Parameter(
        "channels", default: 0, range: 0...8,
        help: "The number of channels, mixed up or down. 0 keeps the number that comes.")
    var channels: Int
    @Parameter("sample_format", default: .same, help: "The format of a sample. same keeps the format that comes.")
    var sampleFormat: Target

    enum Target: String, CaseIterable, ParameterValue.Convertible {
        case same, s16, f32
    }

    private var resampler: Resampler?
    private var format: MediaFormat?
    private var pool = Pool<AudioFrame>()
    /// Counts what went in, and what came out.
    private var received = AudioFrame.Timeline()
    private var sent = AudioFrame.Timeline()
    private var lastEnd = MediaTime.zero
    private var marksDiscontinuity = false
    private var last = MediaItem.Header()

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        guard rate == 0 || rate >= 1_000 else {
            throw NodeError(
                "sample_rate is \(rate)", advice: "Use 1000 to 384000, or 0 for that of the input.", isInputError: true)
        }
        guard let incoming = input.format else { return }
        try open(incoming)
        output.fix(format!)
        if let resampler, resampler.from.rate != resampler.to.rate {
            // Half of libswresample's filter, 32 taps at the lower rate.
            let held = MediaTime(16, timescale: Int64(min(resampler.from.rate, resampler.to.rate)))
            output.latency = .init(min: .zero, max: Interval(held))
        }
    }

    public func process(now: Instant) throws {
        while let frame = input.next() {
            if input.formatChanged || format == nil {
                try endStretch()
                try open(frame.format)
            }
            guard let resampler else {
                output.send(frame)
                continue
            }
            try follow(frame.header, resampler)
            received.advance(frame.sampleCount)
            last = frame.header
            let result = pool.take(format!, sampleCount: resampler.room(for: frame.sampleCount))
            send(result, count: try resampler.convert(frame, into: result))
        }
    }

    public func finish(now: Instant) throws -> Bool {
        try endStretch()
        return true
    }

    public func close() { resampler = nil }

    private func open(_ incoming: MediaFormat) throws {
        guard let from = incoming.audio, let samples = from.sampleFormat, from.rate > 0, 1...64 ~= from.channels else {
            throw NodeError("samples of \(incoming) cannot be converted")
        }
        let to = AudioLayout(
            AudioLayout.SampleFormat(rawValue: sampleFormat.rawValue) ?? samples, rate: rate == 0 ? from.rate : rate,
            channels: channels == 0 ? from.channels : channels,
            speakers: channels == 0 || channels == from.channels ? from.speakers : 0)
        if to == from {
            (resampler, format) = (nil, incoming)
        } else if resampler?.from != from || resampler?.to != to {
            resampler = try Resampler(from: from, to: to)
            format = MediaFormat(audio: to)
        }
    }

    /// Starts the count anew where samples with this header do not continue those before.
    private func follow(_ header: MediaItem.Header, _ resampler: Resampler) throws {
        let isContinued = received.isContinued(by: header)
        if !isContinued || header.epoch != last.epoch { try endStretch() }
        guard !received.isStarted else { return }
        marksDiscontinuity = header.flags.contains(.discontinuity) || !isContinued && sent.isStarted
        let start = header.pts.isKnown && !isContinued ? header.pts : lastEnd
        received = AudioFrame.Timeline(start: start, rate: resampler.from.rate)
        sent = AudioFrame.Timeline(start: start, rate: resampler.to.rate)
    }

    /// Pushes out what the resampler holds, cut to as many samples as went in.
    private func endStretch() throws {
        guard received.isStarted, let resampler else { return }
        lastEnd = received.end
        let due = rescale(received.count, from: Int64(resampler.from.rate), to: Int64(resampler.to.rate)) - sent.count
        received = AudioFrame.Timeline()
        if due > 0 {
            let result = pool.take(format!, sampleCount: max(Int(due), resampler.room(for: 0)))
            let count = try resampler.convert(nil, into: result)
            send(result, count: min(count, Int(due)))
        }
        try resampler.reset()
    }

    private func send(_ frame: AudioFrame, count: Int) {
        guard count > 0, let format else { return }
        frame.reset(format: format, sampleCount: count)
        frame.header.pts = sent.end
        frame.header.dts = frame.header.pts
        sent.advance(count)
        frame.header.duration = sent.end - frame.header.pts
        frame.header.captured = last.captured
        frame.header.epoch = last.epoch
        frame.header.sourceClock = last.sourceClock
        frame.header.flags = last.flags.subtracting(.discontinuity)
        if marksDiscontinuity { frame.header.flags.insert(.discontinuity) }
        marksDiscontinuity = false
        output.send(frame)
    }
}
