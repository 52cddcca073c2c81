import FilesPlugin
import FlowPlugin
import Foundation
import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import SRTPlugin

/// A template for each caller, and links that meet. Real sockets on the loopback.
@Suite("srt-input with many callers", .serialized) struct ManyCallersTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "sluice-\(UUID().uuidString)")
    private let port = freePort()

    init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(Clip.bytes).write(to: folder.appending(path: "clip.ts"))
    }

    private var clip: String { folder.appending(path: "clip.ts").path }

    private func sender(_ id: String, _ parameters: [String: ParameterValue] = [:], loop: Bool = false) -> GraphBuilder
    {
        var graph = GraphBuilder()
        graph.node("source", Source.self, ["open": .string(clip), "decode": false, "loop": .boolean(loop)])
        let all: [String: ParameterValue] = [
            "url": .string("srt://127.0.0.1:\(port)"), "streamid": .string(id), "latency_ms": 30, "reconnect": false,
        ]
        graph.node("out", SRTOutput.self, all.merging(parameters) { $1 })
        graph.edge("source.video -> out.video")
        graph.edge("source.audio -> out.audio")
        return graph
    }

    /// The graph of a user: each caller is recorded under its name.
    private func listening(_ more: String = "") throws -> GraphRun {
        let text = """
            {
              "nodes": { "desk": { "type": "srt-input", "url": "srt://:\(port)", "latency_ms": 30, "template": "caller"\(more) } },
              "templates": {
                "caller": {
                  "parameters": { "name": { "default": "nobody" } },
                  "nodes": {
                    "in": { "type": "srt-input" },
                    "tape": { "type": "record", "path": "\(folder.path)/${name}.ts" }
                  },
                  "edges": [
                    { "from": "in.video", "to": "tape.video", "capacity": { "ms": 60000 } },
                    { "from": "in.audio", "to": "tape.audio", "capacity": { "ms": 60000 } }
                  ]
                }
              }
            }
            """
        let registry = NodeRegistry()
        registry.register(SRTInput.self)
        registry.register(Record.self)
        let specs = [NodeSpec(of: SRTInput.self), NodeSpec(of: Record.self)]
        let plan = try GraphLoader.load(
            Array(text.utf8), path: "many.json", catalog: NodeTable(specs), sources: ParameterSources())
        return GraphRun(plan, registry: registry)
    }

    @Test func eachCallerIsRecordedUnderItsName() throws {
        let run = try listening()
        Thread.detachNewThread { _ = try? run.execute() }
        let ids = ["publish:one", "two", "#!::r=three,m=publish"]
        let done = DispatchGroup()
        let outcomes = Mutexed<[GraphRun.Outcome?]>([])
        for id in ids {
            let one = GraphRun(sender(id).plan, registry: sender(id).registry)
            Thread.detachNewThread {
                let outcome = try? one.execute()
                outcomes.change { $0?.append(outcome) }
                done.leave()
            }
            done.enter()
        }
        done.wait()
        #expect(outcomes.get() == [.finished, .finished, .finished])
        waitUntil { run.report.components(separatedBy: "ended the connection").count == 4 }
        run.stop()
        waitUntil { run.report.contains("\"outcome\": \"stopped\"") }
        for name in ["one", "two", "three"] { try checkClip(folder.appending(path: "\(name).ts")) }
        #expect(nodeMetrics(run.report, "desk")["connections"] == 3, "\(run.report)")
    }

    @Test func aSecondPublisherOfANameIsRefusedOthersAreNot() throws {
        let run = try listening(#", "second_caller": "refuse", "max_callers": 2"#)
        Thread.detachNewThread { _ = try? run.execute() }
        let first = GraphRun(sender("one", loop: true).plan, registry: sender("one").registry)
        Thread.detachNewThread { _ = try? first.execute() }
        waitUntil { run.report.contains("publishes") }
        let (outcome, report) = try execute(sender("publish:one"))
        #expect(outcome == .failed && report.contains("(409)"), "\(report)")
        waitUntil { run.report.contains("somebody publishes") }
        #expect(run.report.contains("somebody publishes \\\"one\\\" already"), "\(run.report)")
        let (bad, told) = try execute(sender("../etc/passwd"))
        #expect(bad == .failed && told.contains("(400)"), "\(told)")
        let second = GraphRun(sender("two", loop: true).plan, registry: sender("two").registry)
        Thread.detachNewThread { _ = try? second.execute() }
        waitUntil { run.report.components(separatedBy: "publishes \\\"").count >= 4 }
        let (third, full) = try execute(sender("three"))
        #expect(third == .failed && full.contains("(402)"), "\(full)")
        for sending in [first, second] { sending.stop() }
        run.stop()
    }

    @Test func aSecondPublisherTakesOverAndTheFirstOnesSessionEnds() throws {
        let run = try listening()
        Thread.detachNewThread { _ = try? run.execute() }
        let first = GraphRun(sender("one", loop: true).plan, registry: sender("one").registry)
        Thread.detachNewThread { _ = try? first.execute() }
        waitUntil { run.report.contains("sends h264 and opus") }
        let (outcome, report) = try execute(sender("one"))
        #expect(outcome == .finished, "\(report)\n\(run.report)")
        #expect(run.report.contains("takes over"), "\(run.report)")
        waitUntil { first.report.contains("\"outcome\": \"failed\"") }
        #expect(first.report.contains("ended the connection"), "\(first.report)")
        run.stop()
    }

    private func meeting(_ own: String, _ other: String) -> ParameterValue {
        .string("srt://\(other):\(port)?mode=rendezvous&adapter=\(own)")
    }

    /// Both ends of a rendezvous have the same port number, so each has an address of its own here.
    @Test func twoSidesMeet() throws {
        var receiving = GraphBuilder()
        receiving.node(
            "in", SRTInput.self, ["url": meeting("127.0.0.2", "127.0.0.1"), "latency_ms": 30, "reconnect": false])
        receiving.node("tape", Record.self, ["path": .string(folder.appending(path: "met.ts").path)])
        receiving.edge("in.video -> tape.video", items: 4_096, milliseconds: 60_000)
        receiving.edge("in.audio -> tape.audio", items: 4_096, milliseconds: 60_000)
        let parameters: [String: ParameterValue] = [
            "url": meeting("127.0.0.1", "127.0.0.2"), "hold_ms": 20_000, "reconnect": true,
        ]
        let sending = GraphRun(sender("", parameters).plan, registry: sender("").registry)
        let (outcome, report) = try execute(receiving) { _ in _ = try? sending.execute() }
        #expect(outcome == .finished, "\(report)\n\(sending.report)")
        try checkClip(folder.appending(path: "met.ts"))
    }

    @Test func itMeetsSrtLiveTransmit() throws {
        let file = folder.appending(path: "peer.ts")
        let peer = try startPeer(
            [
                "srt-live-transmit", "-q", "-a:no", "srt://127.0.0.1:\(port)?mode=rendezvous&adapter=127.0.0.2",
                "file://con",
            ],
            output: file)
        let (outcome, report) = try execute(
            sender("", ["url": meeting("127.0.0.1", "127.0.0.2"), "hold_ms": 20_000, "reconnect": true]))
        peer.waitUntilExit()
        #expect(outcome == .finished, "\(report)")
        try checkClip(file)
    }
}
