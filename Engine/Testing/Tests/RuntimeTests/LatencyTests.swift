@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import Testing

/// The figures of `sluice latency`, in virtual time: nodes that hold each picture for a known time.
@Suite struct LatencyTests {
    /// Sends 25 numbered pictures a second, each captured 3 ms before it goes out.
    final class Camera: Node {
        static let descriptor = NodeDescriptor("camera", summary: "Sends numbered pictures")
        let output = Output<VideoFrame>("out")
        private var context: NodeContext!
        private var count = 0
        init() {}
        func prepare(_ context: NodeContext) { self.context = context }
        func process(now: Instant) {
            while output.hasRoom {
                let due = context.started + .milliseconds(Int64(40 * count + 3))
                guard due <= now else { return context.wake(at: due) }
                let frame = numbered(count)
                frame.header.captured = due - .milliseconds(3)
                frame.header.pts = .milliseconds(Int64(40 * count))
                frame.header.dts = frame.header.pts
                output.send(frame)
                count += 1
            }
        }
    }

    /// Holds each item for so long.
    final class Hold: Node {
        static let descriptor = NodeDescriptor("hold", summary: "Holds items", work: .heavy)
        let input = Input<VideoFrame>("in")
        let output = Output<VideoFrame>("out", follows: "in")
        @Parameter("hold_ms", default: 5, help: "how long") var hold: Int
        private var context: NodeContext!
        private var held: (VideoFrame, Instant)?
        init() {}
        func prepare(_ context: NodeContext) { self.context = context }
        func process(now: Instant) {
            while true {
                if let (frame, due) = held {
                    guard due <= now else { return context.wake(at: due) }
                    output.send(frame)
                    held = nil
                }
                guard let frame = input.next() else { return }
                held = (frame, now + .milliseconds(Int64(hold)))
            }
        }
        func finish(now: Instant) -> Bool {
            process(now: now)
            return held == nil
        }
    }

    /// Sends pictures to a `Receiver` of the same run, 2 ms after they came, and marks that.
    final class Sender: Node {
        static let descriptor = NodeDescriptor("sender", summary: "Sends pictures away")
        let input = Input<VideoFrame>("in")
        private var context: NodeContext!
        private var wire: Wire?
        private var waiting: [(VideoFrame, Instant)] = []
        init() {}
        func prepare(_ context: NodeContext) throws {
            self.context = context
            wire = try context.service(Wire.self)
        }
        func process(now: Instant) {
            while let frame = input.next() { waiting.append((frame, now + .milliseconds(2))) }
            while let (frame, due) = waiting.first {
                guard due <= now else { return context.wake(at: due) }
                waiting.removeFirst()
                context.mark("mux", pts: frame.header.pts)
                wire?.frames.append((VideoFrame.NumberCode.read(frame)!, now + .milliseconds(20)))
                wire?.receiver?.handle.post()
            }
        }
    }

    final class Wire: @unchecked Sendable {
        var frames: [(Int, Instant)] = []
        var receiver: NodeContext?
    }

    /// Gives what comes 20 ms later another time, and takes 1 ms for it.
    final class Receiver: Node {
        static let descriptor = NodeDescriptor("receiver", summary: "Receives pictures")
        let output = Output<VideoFrame>("out")
        private var context: NodeContext!
        private var wire: Wire?
        private var read: (Int, Instant)?
        init() {}
        func prepare(_ context: NodeContext) throws {
            self.context = context
            wire = try context.service(Wire.self)
            wire?.receiver = context
        }
        func process(now: Instant) {
            while true {
                if let (number, due) = read {
                    guard due <= now else { return context.wake(at: due) }
                    let frame = numbered(number)
                    frame.header.pts = time(number)
                    frame.header.dts = frame.header.pts
                    output.send(frame)
                    read = nil
                }
                guard let wire, let (number, due) = wire.frames.first else { return }
                guard due <= now else { return context.wake(at: due) }
                wire.frames.removeFirst()
                context.mark("SRT", pts: time(number))
                context.mark("demux", pts: time(number))
                read = (number, now + .milliseconds(1))
            }
        }
        private func time(_ number: Int) -> MediaTime { .milliseconds(Int64(9_000 + 40 * number)) }
    }

    private func run(_ graph: GraphBuilder) throws -> LatencyTrace {
        let trace = LatencyTrace()
        var options = RunOptions()
        options.latencyTrace = trace
        let harness = try GraphHarness(graph, options: options)
        harness.advance(by: .seconds(4))
        return trace
    }

    private func stages(_ analysis: LatencyAnalysis) -> [String] {
        analysis.stages.filter { $0.spread.max > 0 }.map { "\($0.label) \(decimal($0.spread.p50, places: 1))" }
    }

    @Test func eachNodeHasItsOwnMilliseconds() throws {
        var graph = GraphBuilder()
        graph.node("camera", Camera.self)
        graph.node("slow", Hold.self, ["hold_ms": 7])
        graph.node("end", TestSink.self)
        graph.edge("camera.out -> slow.in")
        graph.edge("slow.out -> end.in")
        let analysis = try #require(try LatencyAnalysis(run(graph)))
        #expect(analysis.stages.map(\.label) == ["camera", "→ slow", "slow", "→ end"])
        #expect(stages(analysis) == ["camera 3.0", "slow 7.0"])
        #expect(abs(analysis.total.p50 - 10) < 0.001)
        #expect(!analysis.isGlassToGlass)
        #expect(analysis.pictures.count == 75)
    }

    @Test func picturesAreFollowedThroughATransportByTheirNumbers() throws {
        let registry = NodeRegistry()
        registry.provide(Wire.self) { Wire() }
        var graph = GraphBuilder(registry: registry)
        graph.node("camera", Camera.self)
        graph.node("encode", Hold.self, ["hold_ms": 5])
        graph.node("out", Sender.self)
        graph.node("in", Receiver.self)
        graph.node("decode", Hold.self, ["hold_ms": 4])
        graph.node("end", TestSink.self)
        graph.edge("camera.out -> encode.in")
        graph.edge("encode.out -> out.in")
        graph.edge("in.out -> decode.in")
        graph.edge("decode.out -> end.in")
        let analysis = try #require(try LatencyAnalysis(run(graph)))
        #expect(
            stages(analysis) == [
                "camera 3.0", "encode 5.0", "out: mux 2.0", "in: SRT 20.0", "in: demux 1.0", "decode 4.0",
            ])
        #expect(abs(analysis.total.p50 - 35) < 0.001)
        #expect(abs(analysis.stages.reduce(0) { $0 + $1.spread.mean } - analysis.total.mean) < 0.001)
        #expect(analysis.isGlassToGlass)
        let table = analysis.table
        #expect(table.contains("glass to glass  35.00  35.00  35.00  35.00  35.00  100.0 %"))
        #expect(table.contains("in: SRT         20.00  20.00  20.00  20.00  20.00   57.1 %"))
        let picture = analysis.svg(title: "a < b")
        #expect(picture.hasPrefix("<svg ") && picture.hasSuffix("</svg>\n"))
        #expect(picture.contains("a &lt; b") && picture.contains(">in: SRT</text>"))
    }

    @Test func withoutNumbersThereIsNothingToTell() throws {
        var graph = GraphBuilder()
        graph.node("source", TestSource.self)
        graph.node("end", TestSink.self)
        graph.edge("source.out -> end.in")
        #expect(try LatencyAnalysis(run(graph)) == nil)
    }
}

/// A small picture that shows `number`.
private func numbered(_ number: Int) -> VideoFrame {
    let layout = VideoLayout(width: 64, height: 36, pixelFormat: .i420, frameRate: .init(25))
    let frame = VideoFrame(format: MediaFormat(video: layout))
    frame.plane(0).update(repeating: 16, count: frame.stride(0) * 36)
    let cells = VideoFrame.NumberCode.cells(of: number)
    for index in 0..<32 where cells >> (31 - index) & 1 != 0 {
        let area = VideoFrame.NumberCode.area(ofCell: index, width: 64, height: 36)
        for y in area.top..<area.bottom {
            for x in area.left..<area.right { frame.plane(0)[y * frame.stride(0) + x] = 235 }
        }
    }
    return frame
}
