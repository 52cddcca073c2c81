import Sluice

/// Finds the marks of `calibration` in decoded media and tells how far audio and video have moved apart.
///
/// Times are those of the media: what a player would show and play together. Below the threshold of confidence it says
/// so, and sends no offset. Media pass untouched where the outputs are connected.
public final class CalibrationDetector: Node {
    public static let descriptor = NodeDescriptor(
        "calibration-detector", summary: "Measures the offset of audio and video by calibration marks",
        example: #""measure": { "type": "calibration-detector" }"#)

    let videoIn = Input<VideoFrame>("video")
    let audioIn = Input<AudioFrame>("audio")
    let videoOut = Output<VideoFrame>("video", follows: "video", optional: true)
    let audioOut = Output<AudioFrame>("audio", follows: "audio", optional: true)
    let events = Output<DataItem>("events", .data([OffsetEvent.schema]), optional: true)
    let offset = ValueOutput(
        "offset_ms", help: "The lead of audio over video in ms, sent after each mark that is believed.")
    let drift = ValueOutput("drift_ppm", help: "The growth of the offset in millionths, sent with it once it is known.")
    let confidence = ValueOutput("confidence", help: "The confidence from 0 to 1, sent after each mark.")

    @Parameter(
        "threshold", default: 0.6, range: 0...1, help: "The confidence, from 0 to 1, below which no offset is sent.")
    var threshold: Double
    @Parameter(
        "range_ms", default: 450, range: 50...5_000,
        help: "The largest offset that it looks for, in ms. It must be less than half the time between two marks.")
    var rangeMilliseconds: Double

    private var context: NodeContext!
    private var flashes = FlashDetector()
    private var ears: ChirpDetector?
    private var timeline = AudioFrame.Timeline()
    private var estimate = OffsetEstimate(range: .zero)
    private var videoEnd = MediaTime.none
    /// Of the last picture.
    private var epoch: UInt32 = 0
    private var isBelieved: Bool?
    /// The figures of the last line.
    private var saidOffset = 0.0
    private var deafTo: MediaFormat?
    private var found: Metric.Counter!
    private var unpaired: Metric.Counter!
    private var offsetMetric: Metric.Counter!
    private var driftMetric: Metric.Counter!
    private var confidenceMetric: Metric.Counter!

    /// Marks after which a confidence that is low is said.
    private static let enough = 3

    public init() {}

    public func prepare(_ context: NodeContext) {
        self.context = context
        estimate = OffsetEstimate(range: .milliseconds(Int64(rangeMilliseconds)))
        found = context.counter("marks")
        unpaired = context.counter("half_marks")
        offsetMetric = context.gauge("offset_ms")
        driftMetric = context.gauge("drift_ppm")
        confidenceMetric = context.gauge("confidence_percent")
        if let format = videoIn.format { videoOut.fix(format) }
        if let format = audioIn.format { audioOut.fix(format) }
        events.fix(OffsetEvent.format)
    }

    public func process(now: Instant) {
        var isNew = false
        while true {
            if let picture = videoIn.next() {
                look(at: picture)
                videoOut.send(picture)
            } else if let audio = audioIn.next() {
                listen(to: audio)
                audioOut.send(audio)
            } else {
                break
            }
            isNew = true
        }
        guard isNew, let ears, videoEnd.isKnown else { return }
        if estimate.judge(videoUpTo: videoEnd, audioUpTo: ears.end) { tell() }
    }

    private func look(at picture: VideoFrame) {
        guard picture.header.pts.isKnown else { return }
        if let flash = flashes.note(magenta: Flash.magenta(in: picture), at: picture.header.pts) {
            estimate.note(flash)
        }
        videoEnd = picture.header.pts
        epoch = picture.header.epoch
    }

    private func listen(to audio: AudioFrame) {
        let layout = audio.layout
        guard layout.channels > 0, (8_000...384_000).contains(layout.rate) else {
            if deafTo != audio.format {
                deafTo = audio.format
                context.log(
                    .warning, "does not hear chirps in \(audio.format); put audio-convert with 48000 Hz before it")
            }
            return
        }
        if ears == nil || audioIn.formatChanged || !timeline.isContinued(by: audio.header) {
            timeline = AudioFrame.Timeline(start: audio.header.pts, rate: layout.rate)
            ears = ChirpDetector(start: timeline.start, rate: layout.rate)
        }
        timeline.advance(audio.sampleCount)
        switch layout.sampleFormat {
        case .s16: hear(audio.s16, channels: layout.channels) { Double($0) / 32_768 }
        case .f32: hear(audio.f32, channels: layout.channels) { Double($0) }
        case nil: break
        }
    }

    /// All channels as one.
    private func hear<Sample>(
        _ samples: UnsafeMutableBufferPointer<Sample>, channels: Int, _ value: (Sample) -> Double
    ) {
        guard var ears else { return }
        self.ears = nil
        for start in stride(from: 0, to: samples.count - channels + 1, by: channels) {
            var sum = 0.0
            for channel in 0..<channels { sum += value(samples[start + channel]) }
            if let chirp = ears.note(sum / Double(channels)) { estimate.note(chirp) }
        }
        self.ears = ears
    }

    private func tell() {
        found.set(estimate.pairs)
        unpaired.set(estimate.unpaired)
        let result = estimate.result
        let sure = result?.confidence ?? 0
        confidence.send(sure)
        events.send(
            OffsetEvent.item(
                result, at: estimate.lastMark, isBelieved: result != nil && sure >= threshold, marks: estimate.pairs,
                halves: estimate.unpaired, epoch: epoch))
        confidenceMetric.set(Int((sure * 100).rounded()))
        guard let result, sure >= threshold else {
            // A beginning is no failure: nothing has been repeated yet.
            let isJudged = isBelieved != nil || estimate.pairs + estimate.unpaired >= CalibrationDetector.enough
            guard isJudged else { return }
            if isBelieved != false {
                context.log(
                    .warning,
                    "confidence \(decimal(sure, places: 2)) is below \(decimal(threshold, places: 2)) (\(estimate.pairs) marks, \(estimate.unpaired) halves of one): nothing is corrected"
                )
            }
            isBelieved = false
            return
        }
        offset.send(result.offset)
        offsetMetric.set(Int(result.offset.rounded()))
        if let drift = result.drift {
            self.drift.send(drift)
            driftMetric.set(Int(drift.rounded()))
        }
        if isBelieved != true || abs(result.offset - saidOffset) > OffsetEstimate.agreement {
            context.log(.info, words(result))
            saidOffset = result.offset
        }
        isBelieved = true
    }

    private func words(_ result: OffsetEstimate.Result) -> String {
        let amount = decimal(abs(result.offset), places: 1)
        let drift = result.drift.map { ", drift \(decimal($0, places: 0)) ppm" } ?? ""
        return
            "audio is \(amount) ms \(result.offset < 0 ? "behind" : "ahead of") its video\(drift), confidence \(decimal(result.confidence, places: 2)) (\(estimate.pairs) marks)"
    }
}
