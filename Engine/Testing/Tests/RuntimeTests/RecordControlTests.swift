@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import Testing

@Suite struct RecordControlTests {
    private final class Teller: Node {
        static let descriptor = NodeDescriptor("teller", summary: "sends records")
        let output = RecordOutput(
            "pair",
            [
                .init("first", help: "a number"), .init("second", help: "its negative"),
                .init("more", help: "for others"),
            ], help: "two numbers")
        let go = ValueInput("go", help: "the number to send")
        init() {}
        func process(now: Instant) {
            if let number = go.take() { output.send(["first": number, "second": -number]) }
        }
    }

    private final class Listener: Node {
        static let descriptor = NodeDescriptor("listener", summary: "takes records")
        let input = RecordInput(
            "pair",
            [
                .init("second", help: "the negative"), .init("first", help: "a number"),
                .init("third", optional: true, help: "that nobody sends"),
            ], help: "two numbers")
        private(set) var heard: [RecordInput.Record] = []
        init() {}
        func process(now: Instant) { if let record = input.take() { heard.append(record) } }
    }

    private func pair() throws -> GraphHarness {
        var graph = GraphBuilder()
        graph.node("teller", Teller.self)
        graph.node("listener", Listener.self)
        graph.control("teller.pair -> listener.pair", .record)
        let harness = try GraphHarness(graph)
        harness.settle()
        return harness
    }

    @Test func aReceiverGetsItsFieldsByNameAndTheLatestRecordOnce() throws {
        let harness = try pair()
        let listener = try #require(harness.node("listener") as? Listener)
        harness.set("go", of: "teller", to: 3)
        harness.settle()
        #expect(listener.heard.map(\.fields) == [["second", "first", "third"]])
        #expect(listener.heard.first?["first"] == 3 && listener.heard.first?["second"] == -3)
        #expect(listener.heard.first?["third"].isNaN == true && listener.heard.first?["fourth"].isNaN == true)
        harness.settle()
        #expect(listener.heard.count == 1)
    }

    @Test func aHarnessSendsRecordsAndSeesThem() throws {
        let teller = try NodeHarness(Teller.self)
        teller.settle()
        #expect(teller.record(of: "pair") == nil)
        teller.set("go", to: 7)
        teller.settle()
        let record = try #require(teller.record(of: "pair"))
        #expect(record.fields == ["first", "second", "more"])
        #expect(record["first"] == 7 && record["second"] == -7 && record["more"].isNaN)
        #expect(teller.record(of: "pair") == nil)

        let listener = try NodeHarness(Listener.self)
        listener.settle()
        #expect(listener.send(["first": 1, "second": 2], to: "pair"))
        #expect(listener.send(["second": 4], to: "pair"))
        #expect(!listener.send(["fifth": 5], to: "pair") && !listener.send(["first": 5], to: "other"))
        listener.settle()
        // The latest, whole: nothing is left of the one before.
        #expect(listener.node.heard.count == 1 && listener.node.heard.first?["second"] == 4)
        #expect(listener.node.heard.first?["first"].isNaN == true)
    }
}
