import Pacing
import Sluice

/// Sends audio in frames of one length on an absolute grid of the lane's clock, and pictures at their time, their
/// packets spread evenly.
///
/// The input edge is the buffer: an item is taken when the grid needs it and not before, so what the edge does when it
/// is full decides what is lost, and an arriving item wakes nobody. When an item came the edge remembers; from that the
/// source's clock is estimated, and followed as `drift` says. Timestamps begin with the first item's and step by
/// exactly one frame from then on, also across silence. `AudioPacing` and `VideoPacing` decide; what is here moves the
/// media.
public final class Pacer: Node {
    public static let descriptor = NodeDescriptor(
        "pacer", summary: "Sends audio in equal frames at exact intervals, and pictures evenly, on one clock",
        traits: [.paced],
        example: #""pacer": { "type": "pacer", "frame_ms": 20, "target_depth_ms": 60 }"#)

    static let opus = FormatSet.codedAudio([.opus])
    let input = Input<MediaItem>(
        "in", .rawAudio | .codedVideo,
        variants: [AudioPacing.Drift.skip, .silence].map {
            FormatSet.Variant(
                parameter: "drift", value: .string($0.rawValue), formats: .rawAudio | .codedVideo | Pacer.opus)
        },
        // A second of raw video of 3840×2160 at 60 a second is 746 MB.
        buffer: .init(items: 50, milliseconds: 1_000, bytes: 1 << 30))
    let output = Output<MediaItem>("out", follows: "in")
    @Parameter(
        "frame_ms", default: 20, range: 2.5...60,
        help: "The length of a frame of PCM and of the interval, in ms. Packets keep their own.")
    var frameMilliseconds: Double
    @Parameter(
        "target_depth_ms", default: 60, range: 0...10_000,
        help: "The mean time that media wait before they go out, in ms. Audio waits at least one frame.")
    var targetDepth: Double
    @Parameter(
        "start_depth_ms", default: 0, range: 0...10_000,
        help: "The wait of the first frame after the first media came, in ms. 0 takes target_depth_ms.")
    var startDepth: Double
    @Parameter(
        "drift", default: .resample,
        help:
            "The answer if the source has another clock: resample plays PCM a little faster or slower, "
            + "skip leaves out or repeats a quiet frame, silence does nothing."
    )
    var drift: AudioPacing.Drift
    @Parameter(
        "spread", default: true,
        help:
            "Gives each pacer another place in the frame, so that many do not send at once. "
            + "It adds up to a frame of delay."
    )
    var isSpread: Bool
    @Parameter(
        "audio", default: "",
        help:
            "The audio pacer whose clock video follows. Empty takes the one of the same source's audio, if any."
    )
    var audio: String
    @Parameter(
        "burst_ms", default: 0, range: 0...1_000,
        help: "The span in ms in which the packets of a picture leave together.")
    var burst: Double
    @Parameter(
        "rate", default: 1, range: 1...100,
        help: "The speed at which a picture's packets leave. "
            + "1 spreads them over its whole interval, 2 over half of it.")
    var rate: Double
    @Parameter(
        "status_s", default: 10, range: 0...3_600,
        help: "The time between two lines of figures, in s of graph time. 0 prints none.")
    var statusSeconds: Double
    @Parameter(
        "series", default: false,
        help: "Keeps gaps, drift, depth and lateness over time in the report, for sluice timing.")
    var keepsSeries: Bool

    private var context: NodeContext!
    private var registry: PacerRegistry!
    private var playouts: SessionPlayouts!
    private var own: SharedPlayout!
    private var ordinal = 0
    private var reporter: PacerReporter!
    private var worker: (any PacedMedia)?

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        registry = try context.service(PacerRegistry.self) ?? PacerRegistry()
        playouts = try context.service(SessionPlayouts.self) ?? SessionPlayouts()
        own = playouts.playout(of: context.nameInSession)
        ordinal = isSpread ? registry.takeOrdinal() : 0
        reporter = PacerReporter(context, statusEvery: .seconds(statusSeconds), keepsSeries: keepsSeries)
        let frame = settings.frame
        if let layout = input.format?.audio, input.format?.kind == .rawAudio {
            _ = try AudioPacer.samples(of: frame, at: layout)
        }
        try checkDepth(frame)
        let most = max(settings.target, settings.start ?? .zero)
        if input.format?.kind == .codedVideo {
            output.latency = .init(min: .zero, max: settings.target + .milliseconds(40))
        } else {
            let least = max(settings.target, frame)
            output.latency = .init(min: least, max: max(most, frame) + frame * 2)
        }
        if input.format?.kind != .codedVideo { own.claim() }
    }

    /// Items that the edge cannot hold it would drop before they are due.
    private func checkDepth(_ frame: Interval) throws {
        let wanted = max(targetDepth, startDepth) + frame.milliseconds
        guard let capacity = input.capacity, input.overflow != .block, Double(capacity.milliseconds) < wanted else {
            return
        }
        throw NodeError(
            "a depth of \(decimal(max(targetDepth, startDepth), places: 0)) ms is wanted, and the edge before it holds \(capacity.milliseconds) ms",
            advice: "Give the edge a capacity of \(decimal(wanted + 200, places: 0)) ms or more, or lower the depth.",
            isInputError: true)
    }

    public func process(now: Instant) throws {
        if worker == nil {
            guard let first = input.peek() else { return }
            worker = try makeWorker(for: first.format)
        }
        try worker?.process(now: now)
    }

    /// Plays out what is left, each frame at its time.
    public func finish(now: Instant) throws -> Bool {
        if worker == nil, let first = input.peek() { worker = try makeWorker(for: first.format) }
        return try worker?.finish(now: now) ?? true
    }

    public func close() {
        reporter?.close(dropped: input.dropped)
        worker = nil
    }

    private var settings: PacerSettings {
        PacerSettings(
            frame: Interval(nanoseconds: Int64((frameMilliseconds * 1e6).rounded())),
            target: .seconds(targetDepth / 1e3), start: startDepth > 0 ? .seconds(startDepth / 1e3) : nil, drift: drift,
            ordinal: ordinal)
    }

    private func makeWorker(for format: MediaFormat) throws -> any PacedMedia {
        let ends = PacerEnds(context: context, input: input, output: output, reporter: reporter)
        switch format.kind {
        case .rawAudio: return AudioPacer(ends, settings, registry, publishes: publisher)
        case .codedAudio: return PacketPacer(ends, settings, publishes: publisher)
        default:
            return VideoPacer(
                ends, target: settings.target, spread: VideoSpread(rate: rate, burst: .seconds(burst / 1e3)),
                audio: try followed())
        }
    }

    private var publisher: PlayoutPublisher { PlayoutPublisher(own, among: playouts) }

    /// Every pacer of the session was prepared before the first one runs.
    private func followed() throws -> SharedPlayout? {
        guard !audio.isEmpty else {
            let clock = input.peek()?.header.sourceClock ?? 0
            return clock == 0 ? nil : playouts.playout(ofClock: clock)
        }
        let found = playouts.playout(of: audio)
        guard found.isClaimed else {
            throw NodeError(
                "\"audio\" is \"\(audio)\", and no pacer of audio beside it has that name",
                advice: "Name the pacer that the same source's audio goes through, or leave \"audio\" out.",
                isInputError: true)
        }
        return found
    }
}

struct PacerSettings {
    var frame: Interval
    var target: Interval
    var start: Interval?
    var drift: AudioPacing.Drift
    /// The pacer's place among all, which gives its phase.
    var ordinal: Int
}

/// The parts that a kind of media works with.
struct PacerEnds {
    let context: NodeContext
    let input: Input<MediaItem>
    let output: Output<MediaItem>
    let reporter: PacerReporter

    /// The edge blocks and is full, so the source waits for this node.
    var isHeld: Bool {
        guard input.overflow == .block, let capacity = input.capacity else { return false }
        return input.depth >= capacity.items || Int(input.depthTime.milliseconds) + 60 > capacity.milliseconds
    }
}

/// One kind of media on its way through a pacer.
protocol PacedMedia: AnyObject {
    func process(now: Instant) throws
    func finish(now: Instant) throws -> Bool
}
