import PacerPlugin
import Sluice
import SluiceTesting

/// The real graph in virtual time: a source over a bad network, pacers of its audio and its video, a sink that
/// checks.
public struct PacedGraph {
    public var ppm = 200.0
    public var jitterMilliseconds = 40.0
    public var loss = 0.01
    public var seed = 1
    public var seconds = 3_600.0
    public var sampleFormat = AudioLayout.SampleFormat.s16
    /// 0: samples tell their time, which takes f32.
    public var hertz = 1_000.0
    public var drift = "resample"
    public var targetMilliseconds = 60.0
    /// Seconds after which the depth has to be where it was asked to be.
    public var start = 60.0

    /// Gets the samples of every frame.
    public var onSamples: (([Float]) -> Void)?

    public init() {}

    public struct Findings: Sendable {
        public var frames = 0
        public var offGrid = 0
        public var silentFrames = 0
        public var concealedSamples = 0
        public var lostSamples = 0
        public var dropped = 0
        public var late = 0
        public var skipped = 0
        public var repeated = 0
        /// Means of 10 s, in ms.
        public var depths: [Double] = []
        public var driftPPM = 0
        /// Of pictures whose audio went out, in ms: by timestamps, and by when they came.
        public var audioToVideo = 0.0
        public var audioToVideoSent = 0.0
        public var pictures = 0
        /// Pictures that were compared with the audio beside them.
        public var compared = 0
        /// The last second of audio.
        public var tail: [Float] = []
        public var events: [String] = []

        /// All but the samples.
        public var summary: String {
            var copy = self
            copy.tail = []
            return "\(copy)"
        }

        public func isGood(target: Double, after start: Double) -> Bool {
            let settled = depths.dropFirst(Int(start / 10))
            return offGrid == 0 && silentFrames == 0 && concealedSamples == lostSamples && dropped == 0 && late == 0
                && settled.allSatisfy { abs($0 - target) <= 10 } && audioToVideo <= 5 && audioToVideoSent <= 5
        }
    }

    public func run() throws -> Findings {
        var graph = GraphBuilder()
        graph.node(
            "source", JitterySource.self,
            [
                "ppm": .number(ppm), "jitter_ms": .number(jitterMilliseconds), "loss": .number(loss),
                "seed": .integer(seed), "seconds": .number(seconds), "sample_format": .string(sampleFormat.rawValue),
                "hertz": .number(hertz),
            ])
        let depth = ["target_depth_ms": ParameterValue.number(targetMilliseconds), "status_s": .number(0)]
        graph.node("voice", Pacer.self, depth.merging(["drift": .string(drift)]) { $1 })
        graph.node("video", Pacer.self, depth.merging(["audio": "voice"]) { $1 })
        graph.node("sink", PacedSink.self)
        graph.edge("source.audio -> voice.in", items: 50, milliseconds: 1_000, overflow: .dropOldest)
        graph.edge("source.video -> video.in", items: 50, milliseconds: 1_000, overflow: .dropToKeyframe)
        graph.edge("voice.out -> sink.audio", items: 16)
        graph.edge("video.out -> sink.video", items: 16)
        PacerPlugin.provideServices(to: graph.registry)
        let harness = try GraphHarness(graph)
        return measure(harness)
    }

    private func measure(_ harness: GraphHarness) -> Findings {
        var found = Findings()
        guard let sink = harness.node("sink") as? PacedSink, let source = harness.node("source") as? JitterySource,
            let voice = harness.context(of: "voice")
        else { return found }
        let metric = { (name: String) in voice.counter(name).count }
        let depth = voice.counter("depth_ms")
        var (sum, count) = (0, 0)
        var concealed = 0
        // A node that held itself would never be given back.
        sink.onFrame = { [unowned sink] _, _ in
            if metric("concealed_samples") != concealed { sink.forgetLastTold() }
            concealed = metric("concealed_samples")
            onSamples?(Array(sink.tail.suffix(960)))
            sum += depth.count
            count += 1
        }
        var checked = 0
        while harness.now.nanoseconds < Int64(seconds * 1e9) - 1_000_000_000 {
            harness.advance(by: .seconds(10))
            // The rest when a frame has gone, rounded down; it is half a frame more over time.
            if count > 0 { found.depths.append(Double(sum) / Double(count) + 10.5) }
            (sum, count) = (0, 0)
            compare(sink, &checked, &found, harness.now)
        }
        // Until everything that was lost by now is filled.
        found.lostSamples = Int(source.lost) * 960
        found.frames = sink.frames
        found.offGrid = sink.offGrid
        found.silentFrames = metric("silence_frames")
        found.concealedSamples = metric("concealed_samples")
        found.dropped = metric("dropped")
        found.late = metric("late_items")
        found.skipped = metric("skipped_frames")
        found.repeated = metric("repeated_frames")
        found.driftPPM = metric("drift_ppm")
        found.pictures = sink.shown.count
        found.tail = Array(sink.tail.suffix(JitterySource.rate))
        found.events = harness.events.map { "\($0.node): \($0.what)" }
        return found
    }

    /// The samples of a source without a tone tell their time, and each picture its number: the picture whose timestamp
    /// falls into a frame of audio has to be of the time that this frame tells there.
    private func compare(_ sink: PacedSink, _ checked: inout Int, _ found: inout Findings, _ now: Instant) {
        guard let first = sink.first else { return }
        let length = MediaTime.milliseconds(20)
        var frames = sink.told[...]
        for picture in sink.shown[checked...] where now.nanoseconds > Int64(start * 1e9) {
            // On the grid timestamps and instants are one line.
            let wall = first.at + Interval(picture.dts - first.pts)
            found.audioToVideoSent = max(found.audioToVideoSent, abs((picture.at - wall).milliseconds))
            while let frame = frames.first, frame.pts + length <= picture.dts { frames = frames.dropFirst() }
            guard let frame = frames.first, frame.pts <= picture.dts else { continue }
            let heard = frame.second + (picture.dts - frame.pts).seconds
            let off = heard - Double(picture.number) / Double(JitterySource.picturesPerSecond)
            found.compared += 1
            found.audioToVideo = max(found.audioToVideo, abs(off - off.rounded()) * 1e3)
        }
        checked = sink.shown.count
    }
}
