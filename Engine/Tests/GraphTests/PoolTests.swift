import Testing

@testable @_spi(Host) import Sluice

@Suite struct PoolTests {
    private func text(_ first: String, _ second: String = #""clock""#, lanes: String = "") -> String {
        """
        { "nodes": { "s": { "type": "microphone" }, "p": { "type": "pacer", "lane": \(first) }, \
        "o": { "type": "null-sink", "lane": \(second) } },
        "edges": [ "s -> p -> o" ]\(lanes) }
        """
    }

    @Test func `A node runs on any lane of a pool`() throws {
        let plan = try load(
            text(#"{ "pool": "viewers", "lanes": 2 }"#, lanes: #", "lanes": { "viewers": { "nice": 3 } }"#))
        #expect(plan.root.nodes[1].pool == LanePool("viewers", lanes: 2))
        #expect(plan.root.nodes[1].lane == nil && plan.root.nodes[2].lane == "clock")
        #expect(plan.lanes["viewers"]?.nice == 3)
    }

    @Test(arguments: [
        (
            #"{ "pool": "v" }"#, #""clock""#,
            """
            t.json:1:77: node "p": lane has no "lanes".
              Write { "pool": "viewers", "lanes": 2 }, or the name of one lane.
            """
        ),
        (
            #"{ "pool": "v", "lanes": 0 }"#, #""clock""#,
            "t.json:1:101: node \"p\": lane: lanes takes 1 to 1024, found 0."
        ),
        (
            #"{ "pool": "v", "lanes": 2, "size": 1 }"#, #""clock""#,
            "t.json:1:104: node \"p\": lane has no key \"size\".\n  Its keys are: lanes, pool."
        ),
        (
            #"{ "pool": "v", "lanes": 2 }"#, #"{ "pool": "v", "lanes": 3 }"#,
            """
            t.json:1:108: node "o": pool "v" has 3 lanes here, and 2 at node "p" in line 1.
              Give both the same number.
            """
        ),
        (
            #"{ "pool": "v", "lanes": 2 }"#, #""v""#,
            """
            t.json:1:108: node "o": lane "v" is the pool of node "p".
              Write "lane": { "pool": "v", "lanes": 2 }, or name another lane.
            """
        ),
    ])
    func `What a pool lacks is told`(first: String, second: String, expected: String) {
        #expect(errors(text(first, second)) == expected)
    }
}
