import Glibc
import Sluice

/// Adds the audio of its inputs, each with a gain of its own that may change while it runs, without a click.
///
/// The sum comes in frames of equal length, whatever the inputs bring (`Stretches` says how they lie on each other). An
/// input that is silent is waited for at most `max_wait_ms`. While `side` is heard the others are held down by
/// `duck_db`. Sums over full scale are held there, counted, and said once.
public final class AudioMix: Node {
    public static let descriptor = NodeDescriptor(
        "audio-mix", summary: "Adds the audio of several inputs, and holds them down while another one is heard",
        traits: .joins,
        example: #""mix": { "type": "audio-mix", "in1_gain_db": -6, "duck_db": -15 }"#)

    /// A mix may feed another one, where these do not suffice.
    static let count = 16

    let inputs = (1...AudioMix.count).map { Input<AudioFrame>("in\($0)", .rawAudio, optional: true) }
    let side = Input<AudioFrame>("side", .rawAudio, optional: true)
    let output = Output<AudioFrame>(
        "out", .rawAudio,
        variants: AudioLayout.SampleFormat.allCases.map {
            .init(parameter: "sample_format", value: .string($0.rawValue), formats: .audio([$0]))
        })

    let gains = (1...AudioMix.count).map {
        Live<Double>("in\($0)_gain_db", default: 0, range: -60...24, help: "The gain of this input in dB.")
    }
    let mutes = (1...AudioMix.count).map { Live<Bool>("in\($0)_mute", default: false, help: "Silences this input.") }
    @Live("side_gain_db", default: 0, range: -60...24, help: "The gain of side in dB.") var sideGain: Double
    @Live("side_mute", default: false, help: "Silences side. It then holds no other input down.") var sideMute: Bool
    @Parameter("side_heard", default: true, help: "Adds side to the sum. false only lets it hold the others down.")
    var isSideHeard: Bool
    @Live("duck_db", default: -12, range: -60...0, help: "The gain of the others while side is heard, in dB.")
    var duck: Double
    @Parameter(
        "duck_threshold_dbfs", default: -45, range: -90...0, help: "The level in dBFS above which side counts as heard."
    )
    var threshold: Double
    @Parameter("duck_attack_ms", default: 30, range: 1...5_000, help: "The time in which the others go down, in ms.")
    var attack: Double
    @Parameter(
        "duck_hold_ms", default: 250, range: 0...10_000,
        help: "The longest pause of side that keeps the others down, in ms.")
    var hold: Double
    @Parameter(
        "duck_release_ms", default: 500, range: 1...10_000, help: "The time in which the others come back, in ms.")
    var release: Double
    @Parameter("frame_ms", default: 20, range: 1...1_000, help: "The length of the frames that come out, in ms.")
    var frame: Double
    @Parameter(
        "max_wait_ms", default: 250, range: 0...60_000, help: "The longest wait for an input that is silent, in ms.")
    var maxWait: Double
    @Parameter("sample_format", default: .s16, help: "The format of the samples that come out.")
    var sampleFormat: AudioLayout.SampleFormat

    private var context: NodeContext!
    private var stretches: Stretches!
    private var ducking = Ducking(Ducking.Settings())
    private var sum = MixSum()
    private var sideSum = MixSum()
    private var pool = Pool<AudioFrame>()
    private var format: MediaFormat?
    /// Of each input, at the end of the last stretch; nil before the first.
    private var reached = [Float?](repeating: nil, count: AudioMix.count + 1)
    private var ducked = 0.0
    private var clipped: Metric.Counter!
    private var moved: Metric.Counter!
    private var duckedTime: Metric.Counter!

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        clipped = context.counter("clipped_samples")
        moved = context.counter("moved_inputs")
        duckedTime = context.counter("ducked_ms")
        guard (inputs + [side]).contains(where: \.isConnected) else {
            throw NodeError(
                "nothing is mixed: no input is connected", advice: "Lead edges to mix.in1, mix.in2 and so on.",
                isInputError: true)
        }
        stretches = try Stretches(inputs + [side], length: .seconds(frame / 1_000), maxWait: .seconds(maxWait / 1_000))
        ducking = Ducking(
            Ducking.Settings(threshold: threshold, attack: attack, release: release, hold: hold))
        output.latency = .init(min: .zero, max: .seconds(frame / 1_000))
        if let layout = stretches.layout { output.fix(formatOf(layout)) }
    }

    public func process(now: Instant) throws {
        while output.hasRoom, try stretches.next(now: now, context: context) { mix() }
        moved.set(stretches.moves)
    }

    public func finish(now: Instant) throws -> Bool {
        try process(now: now)
        if !stretches.isOver { context.wakeAgain() }
        return stretches.isOver
    }

    private func formatOf(_ layout: AudioLayout) -> MediaFormat {
        if let format { return format }
        let made = MediaFormat(
            audio: AudioLayout(
                sampleFormat, rate: layout.rate, channels: layout.channels, speakers: layout.speakers))
        format = made
        return made
    }

    private func mix() {
        guard let layout = stretches.layout else { return }
        let format = formatOf(layout)
        let count = stretches.sampleCount
        sum.clear(count, channels: layout.channels)
        let others = duckedGain(count, layout)
        for index in inputs.indices {
            let gain = mutes[index].wrappedValue ? 0 : AudioMix.factor(gains[index].wrappedValue) * others
            add(index, at: gain, count)
        }
        if isSideHeard { add(inputs.count, at: sideMute ? 0 : AudioMix.factor(sideGain), count) }
        let frame = pool.take(format, sampleCount: count)
        let loud = sum.write(to: frame)
        if loud > 0 { note(loud) }
        frame.header = stretches.header
        output.send(frame)
    }

    /// The gain of an input moves over a whole stretch, so that it makes no click.
    private func add(_ index: Int, at gain: Float, _ count: Int) {
        let from = reached[index] ?? gain
        reached[index] = gain
        for piece in stretches.pieces(of: index) { sum.add(piece, from: from, to: gain, over: count) }
    }

    /// By which the others are held down at the end of the stretch.
    private func duckedGain(_ count: Int, _ layout: AudioLayout) -> Float {
        guard side.isConnected else { return 1 }
        sideSum.clear(count, channels: layout.channels)
        let gain = sideMute ? 0 : AudioMix.factor(sideGain)
        for piece in stretches.pieces(of: inputs.count) { sideSum.add(piece, from: gain, to: gain, over: count) }
        let milliseconds = MediaTime(Int64(count), timescale: Int64(layout.rate)).milliseconds
        let depth = ducking.follow(level: sideSum.level, milliseconds: milliseconds)
        if depth > 0 {
            ducked += milliseconds
            duckedTime.set(Int(ducked))
        }
        return AudioMix.factor(duck * depth)
    }

    private func note(_ loud: Int) {
        if clipped.count == 0 {
            context.log(
                .warning, "the sum is louder than full scale and is held there: lower gains; counted as clipped_samples"
            )
        }
        clipped.add(loud)
    }

    private static func factor(_ decibels: Double) -> Float { decibels == 0 ? 1 : Float(pow(10, decibels / 20)) }
}
