@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import Testing

/// A port's class and its formats are tied, and so are an item's.
@Suite struct PortTests {
    final class Crossed: Node {
        static let descriptor = NodeDescriptor("crossed", summary: "Declares video on an input of audio frames")
        let input = Input<AudioFrame>("in", .video([.i420]))
        func process(now: Instant) {}
    }

    final class CrossedOutput: Node {
        static let descriptor = NodeDescriptor("crossed-output", summary: "Declares packets on an output of pictures")
        let output = Output<VideoFrame>(
            "out",
            variants: [.init(parameter: "raw", value: .boolean(false), formats: .codedVideo([.vp8]))])
        func process(now: Instant) {}
    }

    final class CrossedFanOut: Node {
        static let descriptor = NodeDescriptor("crossed-fan-out", summary: "Declares any media on an output of packets")
        let output = FanOut<Packet>("out", .any)
        func process(now: Instant) {}
    }

    @Test func aPortWhoseFormatsAreNotOfItsClassIsRefusedWithASentence() {
        let said: [(any Node.Type, String)] = [
            (Crossed.self, #"port "in" is Input<AudioFrame>, which carries"#),
            (CrossedOutput.self, #"port "out" is Output<VideoFrame>, which carries"#),
            (CrossedFanOut.self, #"port "out" is FanOut<Packet>, which carries"#),
        ]
        for (type, words) in said {
            var graph = GraphBuilder()
            graph.node("node", type)
            let error = #expect(throws: GraphError.self) { try GraphHarness(graph) }
            let said = error.map { "\($0)" } ?? ""
            #expect(said.contains(words) && said.contains("Declare the class of those media"), "\(said)")
        }
    }

    /// Sends what a test gives it, whatever that is.
    final class Liar: Node {
        static let descriptor = NodeDescriptor("liar", summary: "Sends packets that say they are something else")
        let output = Output<MediaItem>("out")
        var items: [MediaItem] = []
        func process(now: Instant) {
            for item in items { output.send(item) }
            items = []
        }
    }

    final class Peeker: Node {
        static let descriptor = NodeDescriptor("peeker", summary: "Peeks at audio")
        let input = Input<AudioFrame>("in")
        var rates: [Int] = []
        func process(now: Instant) {
            while let head = input.peek() {
                rates.append(head.layout.rate)
                _ = input.next()
            }
        }
    }

    @Test(arguments: ["s16-sink", "peeker", "through"], [false, true])
    func anItemOfAnotherClassThanItsFormatSaysFailsTheNodeThatTakesIt(_ type: String, _ isFirst: Bool) throws {
        let format = TestMedia.audio()
        let packet = Packet(format: format, count: 64)
        var graph = GraphBuilder()
        graph.node("liar", Liar.self)
        switch type {
        case "peeker": graph.node("taker", Peeker.self)
        case "through": graph.node("taker", Through.self)
        default: graph.node("taker", S16Sink.self)
        }
        graph.edge("liar.out -> taker.in")
        if type == "through" {
            graph.node("end", TestSink.self)
            graph.edge("taker.out -> end.in")
        }
        let harness = try GraphHarness(graph)
        let liar = try #require(harness.node("liar") as? Liar)
        liar.items = isFirst ? [packet] : TestMedia.silence(format: format, count: 1) + [packet]
        harness.settle()
        let words = "\(try #require(harness.failure))"
        #expect(
            words.contains(#"edge "liar.out -> taker.in": liar.out gives a Packet that says it is audio s16"#),
            "\(words)")
        let taken = type == "through" ? "takes media in the class of their format" : "takes AudioFrame"
        #expect(words.contains("taker.in " + taken), "\(words)")
    }

    @Test func aFormatThatThePortDoesNotTakeIsNotPeekedAtEither() throws {
        let harness = try NodeHarness(Peeker.self)
        harness.push(TestMedia.pictures(count: 1))
        harness.settle()
        #expect(harness.node.rates.isEmpty)
        #expect("\(try #require(harness.error))".contains("node.in takes"))
    }
}
