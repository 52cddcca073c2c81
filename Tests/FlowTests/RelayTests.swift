import PacerPlugin
@_spi(Host) import Sluice
import Testing

@testable import FlowPlugin

/// The bench keeps what nodes recorded in one place, so its tests run one after another.
@Suite(.serialized) struct FlowSuite {}

extension FlowSuite {
    @Suite struct RelayTests {
        @Test func noOutputSeesAGapBecauseOfAnother() throws {
            // One listener's pacer takes a 20 ms frame at a time from an edge that holds five; the other's holds one,
            // so it loses most of the burst. The first loses nothing.
            let session = SessionPlan(
                nodes: [
                    Bench.node("feed", Feed.self), Bench.node("relay", Relay.self), Bench.node("slow", Pacer.self),
                    Bench.node("slow-tape", Tape.self), Bench.node("tape", Tape.self),
                ],
                edges: [
                    Bench.edge("feed", "relay"),
                    Bench.edge("relay", "slow", .init(items: 2, milliseconds: 1_000), .dropOldest),
                    Bench.edge("slow", "slow-tape"),
                    Bench.edge("relay", "tape", .init(items: 64, milliseconds: 2_000), .dropOldest),
                ])
            let script = (0..<500).map {
                Feed.Entry(at: Instant(nanoseconds: Int64($0 / 10) * 50_000_000), samples: 960, pts: Int64($0 * 960))
            }
            let result = try Bench.run(script, session)
            let tape = result.tape()
            #expect(tape.count == 500)
            #expect(zip(tape, tape.dropFirst()).allSatisfy { $1.header.pts - $0.header.pts == .milliseconds(20) })
            #expect(result.metric("slow", "dropped") > 300)
            for edge in ["slow.in", "tape.in"] {
                let figures = result.edge(to: edge)
                func figure(_ name: String) -> Int { figures[name] as? Int ?? -1 }
                #expect(figure("pushed") == 500)
                #expect(figure("pushed") == figure("popped") + figure("dropped") + figure("flushed") + figure("held"))
            }
        }

        @Test func sixteenListenersAllHearTheSame() throws {
            let body = SessionPlan(
                nodes: [Bench.node("pacer", Pacer.self), Bench.node("tape", Tape.self)],
                edges: [
                    Bench.edge(
                        "relay", "pacer", .init(items: 50, milliseconds: 1_000), .dropOldest, fromParent: true),
                    Bench.edge("pacer", "tape"),
                ])
            let result = try Bench.run(
                Bench.stream(200, samples: 1_024),
                SessionPlan(
                    nodes: [Bench.node("feed", Feed.self), Bench.node("relay", Relay.self)],
                    edges: [Bench.edge("feed", "relay")]),
                templates: ["listener": body], start: [("listener", 16)])
            let first = result.tape("listener.1/tape")
            #expect(first.count == (200 * 1_024 + 959) / 960)
            for index in 2...16 { #expect(result.tape("listener.\(index)/tape") == first) }
        }
    }
}
