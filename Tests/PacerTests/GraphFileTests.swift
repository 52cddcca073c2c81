import FlowPlugin
import OpusPlugin
import PacerPlugin
@_spi(Host) import Sluice
import SluiceTesting
import Testing

@Suite struct GraphFileTests {
    private let catalog = NodeTable(
        [
            Pacer.self, Relay.self, NullSink.self, OpusEncoderNode.self, OpusDecoderNode.self, TestSource.self,
        ].map { (type: any Node.Type) in NodeSpec(of: type) })

    private func load(_ nodes: String, _ edges: String) throws -> GraphPlan {
        let text = "{ \"nodes\": {\n\(nodes)\n}, \"edges\": [\n\(edges)\n] }"
        return try GraphLoader.load(
            Array(text.utf8), path: "t.json", catalog: catalog,
            sources: ParameterSources(overrides: [:], environment: { _ in nil }, readFile: { _ in [] }))
    }

    private func error(_ nodes: String, _ edges: String) -> String {
        do {
            _ = try load(nodes, edges)
            return ""
        } catch { return "\(error)" }
    }

    @Test func itsEdgeIsABufferOfASecondThatDropsTheOldest() throws {
        let nodes = #""a": { "type": "test-source" }, "p": { "type": "pacer" }, "o": { "type": "null-sink" }"#
        let plan = try load(nodes, #""a -> p -> o""#)
        #expect(plan.root.edges[0].capacity == .init(items: 50, milliseconds: 1_000, bytes: 1 << 30))
        // Coded video may pass here, which drops to a keyframe; audio settles it when it is known.
        #expect(plan.root.edges[0].overflow == .dropToKeyframe && plan.root.edges[0].isOverflowStandard)
        #expect(plan.root.edges[1].capacity == .standard && plan.root.edges[1].overflow == .block)
        let opus =
            #""a": { "type": "test-source" }, "e": { "type": "opus-decoder" }, "p": { "type": "pacer" }, "o": { "type": "null-sink" }"#
        let coded = try load(opus, #""a -> e -> p -> o""#)
        #expect(coded.root.edges[1].overflow == .dropOldest)
        let told = try load(
            nodes,
            #"{ "from": "a", "to": "p", "capacity": { "items": 4, "ms": 80 }, "overflow": "block" }, "p -> o""#)
        #expect(told.root.edges[0].capacity == .init(items: 4, milliseconds: 80, bytes: 1 << 30))
        #expect(told.root.edges[0].overflow == .block)
    }

    @Test func resamplingPacketsIsRefusedAndNamesTheDecoder() {
        func nodes(_ pacer: String) -> String {
            #""a": { "type": "test-source" }, "opus": { "type": "opus-encoder" }, "p": { "type": "pacer"\#(pacer) }, "o": { "type": "null-sink" }"#
        }
        for pacer in ["", #", "drift": "resample""#] {
            #expect(
                error(nodes(pacer), #""a -> opus -> p -> o""#) == """
                    t.json:4:1: edge "opus -> p": opus.out gives audio opus, p.in takes raw audio or video packets.
                      Put a node of type "opus-decoder" between them: "opus -> opus-decoder -> p".
                    """)
        }
        #expect(error(nodes(#", "drift": "skip""#), #""a -> opus -> p -> o""#) == "")
        #expect(error(nodes(#", "drift": "silence""#), #""a -> opus -> p -> o""#) == "")
    }
}
