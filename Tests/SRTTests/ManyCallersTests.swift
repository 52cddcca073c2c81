import FilesPlugin
import FlowPlugin
import Foundation
@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import TestSupport
import Testing

@testable import SRTPlugin

/// A template for each caller, and links that meet. Real sockets on the loopback.
@Suite("srt-input with many callers", .serialized, .realPeers) struct ManyCallersTests {
    private let place: Place

    init() throws { place = try Place() }

    private func sender(_ id: String, loop: Bool = false) -> GraphBuilder {
        place.sender(["streamid": .string(id), "reconnect": false], loop: loop)
    }

    /// The graph of a user: each caller is recorded under its name.
    private func listening(_ more: String = "") throws -> GraphRun {
        let text = """
            {
              "nodes": { "desk": { "type": "srt-input", "url": "\(place.listening)", "latency_ms": 30, "template": "caller"\(more) } },
              "templates": {
                "caller": {
                  "parameters": { "name": { "default": "nobody" } },
                  "nodes": {
                    "in": { "type": "srt-input" },
                    "tape": { "type": "record", "path": "\(place.folder.path)/${name}.ts" }
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
        let run = GraphRun(plan, registry: registry, options: boundedRun)
        Thread.detachNewThread { _ = try? run.execute() }
        return run
    }

    @Test func eachCallerIsRecordedUnderItsName() throws {
        let run = try listening()
        let ids = ["publish:one", "two", "#!::r=three,m=publish"]
        let done = DispatchGroup()
        let outcomes = Mutexed<[RunOutcome?]>([])
        for id in ids {
            let one = GraphRun(sender(id).plan, registry: sender(id).registry, options: boundedRun)
            done.enter()
            Thread.detachNewThread {
                let outcome = try? one.execute()
                outcomes.change { $0?.append(outcome) }
                done.leave()
            }
        }
        #expect(done.wait(timeout: .now() + 60) == .success)
        #expect(outcomes.get() == [.finished, .finished, .finished])
        try waitUntil("three callers to leave", run) {
            run.report.components(separatedBy: "ended the connection").count == 4
        }
        try waitUntil("three files to be written", run) { run.report.components(separatedBy: ": \"wrote ").count == 4 }
        run.stop()
        for name in ["one", "two", "three"] { try checkClip(place.file("\(name).ts")) }
        #expect(nodeMetrics(run.report, "desk")["connections"] == 3, "\(run.report)")
    }

    @Test func aSecondPublisherOfANameIsRefusedOthersAreNot() throws {
        let run = try listening(#", "second_caller": "refuse", "max_callers": 2"#)
        let first = begin(sender("one", loop: true))
        try waitUntil("the first publisher", run, first) { run.report.contains("publishes") }
        let (outcome, report) = try execute(sender("publish:one"))
        #expect(outcome == .failed && report.contains("(409)"), "\(report)")
        try waitUntil("the refusal to be said", run) { run.report.contains("somebody publishes") }
        #expect(run.report.contains("somebody publishes \\\"one\\\" already"), "\(run.report)")
        let (bad, told) = try execute(sender("../etc/passwd"))
        #expect(bad == .failed && told.contains("(400)"), "\(told)")
        let second = begin(sender("two", loop: true))
        try waitUntil("the second publisher", run, second) {
            run.report.components(separatedBy: "publishes \\\"").count >= 4
        }
        let (third, full) = try execute(sender("three"))
        #expect(third == .failed && full.contains("(402)"), "\(full)")
        for sending in [first, second] { sending.stop() }
        run.stop()
    }

    @Test func aSecondPublisherTakesOverAndTheFirstOnesSessionEnds() throws {
        let run = try listening(#", "second_caller": "take-over""#)
        let first = begin(sender("one", loop: true))
        try waitUntil("the first caller's media", run, first) { run.report.contains("sends h264 and opus") }
        let (outcome, report) = try execute(sender("one"))
        #expect(outcome == .finished, "\(report)\n\(run.report)")
        #expect(run.report.contains("takes over"), "\(run.report)")
        try waitUntil("the first sender to fail", run, first) { first.report.contains("\"outcome\": \"failed\"") }
        #expect(first.report.contains("ended the connection"), "\(first.report)")
        run.stop()
    }
}
