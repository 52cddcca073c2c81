import FilesPlugin
import FlowPlugin
import Glibc
import H264Plugin
import OpusPlugin
@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import TestSupport
import VP8Plugin
import VideoDecoderPlugin

@testable import SyncPlugin

/// Gives items later times, as a path does that stamps one medium wrongly.
final class Shift: Node {
    static let descriptor = NodeDescriptor("shift", summary: "gives items later times")
    let input = Input<MediaItem>("in")
    let output = Output<MediaItem>("out", follows: "in")
    @Parameter("ms", default: 0, help: "how much later") var milliseconds: Int
    /// Of the distance from the first item, for a clock that is wrong.
    @Parameter("ppm", default: 0, help: "how much faster time grows, in millionths") var ppm: Int
    init() {}
    func process(now: Instant) {
        while let item = input.next() {
            let shift = MediaTime.milliseconds(Int64(milliseconds))
            // In a test nobody else looks at the item.
            item.header.pts += shift + MediaTime(ticks: rescale(item.header.pts.ticks, from: 1_000_000, to: Int64(ppm)))
            item.header.dts = item.header.pts
            output.send(item)
        }
    }
}

/// Adds noise to PCM, so many dB above the calibration chirp's own power, between two times.
final class Noise: Node {
    static let descriptor = NodeDescriptor("noise", summary: "adds noise")
    let input = Input<AudioFrame>("in", .audio([.s16]))
    let output = Output<AudioFrame>("out", follows: "in")
    @Parameter("db", default: -200, help: "above the chirp") var decibels: Double
    @Parameter("from_s", default: 0, help: "when it begins") var from: Double
    private var dice = Dice(seed: 11)
    init() {}
    func process(now: Instant) {
        // The chirp's power is half of its amplitude squared.
        let level = Chirp.amplitude / 2.squareRoot() * pow(10, decibels / 20)
        while let frame = input.next() {
            guard frame.header.pts >= .seconds(from), decibels > -100 else {
                output.send(frame)
                continue
            }
            let noisy = frame.copy()
            let channels = frame.layout.channels
            for position in 0..<frame.sampleCount {
                let value = level * normal(&dice)
                for channel in 0..<channels {
                    let place = position * channels + channel
                    noisy.setSample(place, noisy.sample(place) + value)
                }
            }
            output.send(noisy)
        }
    }
}

/// calibration → encoders → decoders → wrong times → detector → av-delay → a second detector that looks at the result.
struct Loop {
    var seconds = 6.0
    /// How far audio is made to lead, in ms.
    var offset = 0
    var ppm = 0
    var codec = "vp8"
    var noise = -200.0
    var noiseFrom = 0.0
    var fps = 25.0
    var bitrate = 400.0
    /// The impairment that packets of both media go through, each with a seed of its own.
    var network: Impairment.Settings?

    func run() throws -> GraphHarness {
        var graph = GraphBuilder()
        graph.node(
            "source", Source.self,
            [
                "open": "pattern", "width": 480, "height": 270, "fps": .number(fps), "duration_s": .number(seconds),
            ])
        graph.node("mark", Calibration.self, ["every_s": 1])
        if codec == "vp8" {
            graph.node("encoder", VP8EncoderNode.self, ["bitrate_kbps": .number(bitrate)])
        } else {
            graph.node("encoder", H264EncoderNode.self, ["bitrate_kbps": .number(bitrate)])
        }
        graph.node("decoder", VideoDecoder.self)
        graph.node("noise", Noise.self, ["db": .number(noise), "from_s": .number(noiseFrom)])
        graph.node("opus", OpusEncoderNode.self, ["bitrate_kbps": 64])
        graph.node("unopus", OpusDecoderNode.self)
        // Times must not fall below 0: audio that leads is video that is late.
        graph.node("late-video", Shift.self, ["ms": .integer(max(0, offset)), "ppm": .integer(ppm)])
        graph.node("late-audio", Shift.self, ["ms": .integer(max(0, -offset))])
        graph.node("measure", CalibrationDetector.self)
        graph.node("delay-audio", AVDelay.self, ["follow": "detector"])
        graph.node("delay-video", AVDelay.self, ["follow": "detector"])
        graph.node("check", CalibrationDetector.self)
        graph.edge("source.video -> mark.video")
        graph.edge("source.audio -> mark.audio")
        graph.edge("mark.video -> encoder.in")
        join("encoder.out -> decoder.in", 1, &graph)
        graph.edge("decoder.out -> late-video.in")
        graph.edge("late-video.out -> measure.video")
        graph.edge("mark.audio -> noise.in")
        graph.edge("noise.out -> opus.in")
        join("opus.out -> unopus.in", 2, &graph)
        graph.edge("unopus.out -> late-audio.in")
        graph.edge("late-audio.out -> measure.audio")
        graph.edge("measure.video -> delay-video.in")
        graph.edge("measure.audio -> delay-audio.in")
        graph.edge("delay-video.out -> check.video")
        graph.edge("delay-audio.out -> check.audio")
        graph.node("events", TestSink.self)
        graph.edge("measure.events -> events.in")
        graph.control("measure.offset_ms -> delay-audio.offset_ms", .value)
        graph.control("measure.offset_ms -> delay-video.offset_ms", .value)
        return try GraphHarness(graph)
    }

    private func join(_ ends: String, _ seed: UInt64, _ graph: inout GraphBuilder) {
        guard var network else { return graph.edge(ends) }
        network.seed = seed
        graph.impairedEdge(ends, network, node: "network\(seed)")
    }
}

extension GraphHarness {
    func metric(_ name: String, of node: String) -> Int { context(of: node)?.counter(name).count ?? .min }
}
