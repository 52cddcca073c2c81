import Sluice

/// Marks video and audio at the same media time with a magenta flash in the picture's corner and an 1,800 Hz chirp. A
/// viewer that sees and hears them can measure how far they have moved apart.
///
/// While it is off, and between marks, frames pass untouched and uncopied. While it is on, audio waits until the
/// pictures of its time have come, at most its own length and a fade when both flow.
public final class Calibration: Node {
    public static let descriptor = NodeDescriptor(
        "calibration", summary: "Marks video and audio at the same media time with a flash and a chirp",
        example: #""mark": { "type": "calibration", "every_s": 2 }"#)

    let videoIn = Input<VideoFrame>("video", optional: true)
    let audioIn = Input<AudioFrame>("audio", optional: true)
    let videoOut = Output<VideoFrame>("video", follows: "video", optional: true)
    let audioOut = Output<AudioFrame>("audio", follows: "audio", optional: true)
    let calibrate = RequestInput("calibrate", help: "Marks the next picture, on or off.")
    let marked = ValueOutput("mark", help: "The number of each mark as it begins, from 1.")

    @Live("on", default: true, help: "Makes marks. false lets everything pass untouched.") var isOn: Bool
    @Parameter(
        "every_s", default: 0, range: 0...3_600,
        help: "The time between two marks in s of the pictures' time. "
            + "0 marks the pictures that the segments' source has chosen.")
    var everySeconds: Double
    @Parameter(
        "max_wait_ms", default: 200, range: 0...5_000,
        help: "The longest wait of audio for the pictures of its time, in ms.")
    var maxWait: Double

    private var context: NodeContext!
    private var schedule = CalibrationSchedule(period: .zero)
    private var pictures = Pool<VideoFrame>()
    private var samplePool = Pool<AudioFrame>()
    private var isAsked = false
    private var gathering = Gathering(patience: .zero)
    /// Pictures kept the audio waiting in vain; until the next comes it is not held.
    private var isVideoSilent = false
    private var hasWarned = false
    private var marks: Metric.Counter!
    private var missed: Metric.Counter!

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        guard everySeconds == 0 || everySeconds >= 0.2 else {
            throw NodeError(
                "every_s is \(ParameterValue.number(everySeconds)), too close for flashes to be told apart",
                advice: "Use 0.2 or more, or 0 for the segments' own marks.", isInputError: true)
        }
        for (input, output) in [(videoIn, videoOut), (audioIn, audioOut)] as [(InputPort, OutputPort)]
        where output.isConnected && !input.isConnected {
            throw NodeError(
                "its output \(output.name) is connected and its input \(input.name) is not",
                advice: "Connect both or neither.", isInputError: true)
        }
        self.context = context
        gathering = Gathering(patience: Interval(nanoseconds: Int64(maxWait * 1e6)))
        schedule = CalibrationSchedule(period: .seconds(everySeconds))
        marks = context.counter("marks")
        missed = context.counter("missed_marks")
        if let format = videoIn.format { videoOut.fix(format) }
        if let format = audioIn.format { audioOut.fix(format) }
        if !videoIn.isConnected || !audioIn.isConnected {
            context.log(
                .warning, "has no \(videoIn.isConnected ? "audio" : "video"): nothing is marked without both media")
        }
    }

    public func process(now: Instant) {
        if calibrate.take() { isAsked = true }
        while passVideo() || passAudio(now) {}
    }

    private func passVideo() -> Bool {
        guard let picture = videoIn.next() else { return false }
        isVideoSilent = false
        guard isOn || isAsked || schedule.isBusy, audioIn.isConnected, !audioIn.isEnded else {
            videoOut.send(picture)
            return true
        }
        let before = schedule.number
        let isPainted = schedule.picture(picture.header, isOn: isOn || isAsked, isAsked: isAsked)
        if schedule.number > before {
            isAsked = false
            marks.add()
            marked.send(Double(schedule.number))
        }
        noteMissed()
        guard isPainted else {
            videoOut.send(picture)
            return true
        }
        let copy = pictures.take(picture.format)
        copy.copyPicture(of: picture)
        copy.header = picture.header
        Flash.paint(copy)
        videoOut.send(copy)
        return true
    }

    private func passAudio(_ now: Instant) -> Bool {
        guard let head = audioIn.peek() else { return false }
        if videoIn.isEnded { schedule.endMark() }
        if mustWait(head.header, now) { return false }
        guard let audio = audioIn.next() else { return false }
        gathering.begin()
        var sent = audio
        let isAudio = audio.sampleCount > 0 && audio.header.pts.isKnown && audio.header.duration.isKnown
        for chirp in schedule.chirps where isAudio && chirp.touches(audio.header) {
            if sent === audio { sent = copy(audio) }
            chirp.add(to: sent)
        }
        schedule.audioPassed(audio.header)
        audioOut.send(sent)
        return true
    }

    /// Audio whose pictures have not come yet is held, for a limited time.
    private func mustWait(_ header: MediaItem.Header, _ now: Instant) -> Bool {
        guard isOn || schedule.isBusy, videoIn.isConnected, !videoIn.isEnded, !isVideoSilent,
            schedule.videoEnd.isKnown, header.pts.isKnown,
            !schedule.settles(audioUpTo: header.pts + (header.duration.isKnown ? header.duration : .zero))
        else { return false }
        guard case .wait(let until) = gathering.look(now, isComplete: false) else {
            isVideoSilent = true
            schedule.endMark()
            return false
        }
        context.wake(at: until)
        return true
    }

    private func copy(_ audio: AudioFrame) -> AudioFrame {
        let copy = samplePool.take(audio.format, sampleCount: audio.sampleCount)
        copy.mutableBytes.copyMemory(from: audio.bytes)
        copy.header = audio.header
        return copy
    }

    private func noteMissed() {
        guard schedule.missed > missed.count else { return }
        missed.set(schedule.missed)
        guard !hasWarned else { return }
        hasWarned = true
        context.log(
            .warning,
            "the audio comes before its pictures, so there is none left to mark; a larger max_wait_ms holds it longer")
    }
}
