import Testing

@_spi(Host) @testable import Sluice

@Suite struct OverflowTests {
    private func relayed(_ source: String, _ edge: String, relay: String = "") -> String {
        graph(
            nodes: #"\#(source), "relay": { "type": "relay"\#(relay) }, "out": { "type": "null-sink" }"#, edges: edge)
    }
    private let raw = #""s": { "type": "source", "open": "x" }"#
    private let packets = #""s": { "type": "source", "open": "x", "decode": false }"#

    @Test func `Out of a relay raw media and coded audio drop the oldest, coded video drops to a keyframe`() throws {
        for (source, port, expected) in [
            (raw, "audio", EdgePolicy.Overflow.dropOldest), (raw, "video", .dropOldest),
            (packets, "audio", .dropOldest),
            (packets, "video", .dropToKeyframe),
        ] {
            let plan = try load(relayed(source, #""s.\#(port) -> relay -> out""#))
            #expect(plan.root.edges.map(\.overflow) == [.block, expected])
            let isPictures = source == raw && port == "video"
            let first = isPictures ? EdgePolicy.Capacity.pictures : .standard
            #expect(plan.root.edges.map(\.capacity) == [first, .standard])
            #expect(plan.root.edges.allSatisfy { $0.isOverflowStandard })
        }
    }

    @Test func `A bound of bytes stands beside the others, and alone it governs`() throws {
        for (capacity, expected) in [
            (#"{ "items": 4 }"#, EdgePolicy.Capacity(items: 4, milliseconds: 4_000, bytes: 268_435_456)),
            (#"{ "ms": 4000, "bytes": 1000 }"#, EdgePolicy.Capacity(items: 2_000, milliseconds: 4_000, bytes: 1_000)),
            (#"{ "bytes": 1000 }"#, EdgePolicy.Capacity(items: 4_096, milliseconds: 60_000, bytes: 1_000)),
        ] {
            let plan = try load(
                graph(
                    nodes: #"\#(raw), "out": { "type": "null-sink" }"#,
                    edges: #"{ "from": "s.audio", "to": "out", "capacity": \#(capacity) }"#))
            #expect(plan.root.edges.map(\.capacity) == [expected])
        }
        #expect(EdgePolicy.Capacity.standard.bytes == 268_435_456)
    }

    @Test func `Raw pictures stay close where nothing else is waited for and the file gives no bound`() throws {
        for (output, edge, expected) in [
            ("null-sink", #""s.video -> o""#, EdgePolicy.Capacity.pictures),
            ("null-sink", #""s.audio -> o""#, .standard),
            ("overlay", #""s.video -> o.in""#, .standard),
            (
                "null-sink", #"{ "from": "s.video", "to": "o", "overflow": "drop-oldest" }"#,
                .init(items: 16, milliseconds: 500)
            ),
            (
                "null-sink", #"{ "from": "s.video", "to": "o", "capacity": { "items": 16 } }"#,
                .init(items: 16, milliseconds: 16_000)
            ),
            (
                "null-sink", #"{ "from": "s.video", "to": "o", "capacity": { "ms": 500 } }"#,
                .init(items: 250, milliseconds: 500)
            ),
        ] {
            let plan = try load(graph(nodes: #"\#(raw), "o": { "type": "\#(output)" }"#, edges: edge))
            #expect(plan.root.edges.map(\.capacity) == [expected], "\(edge)")
        }
    }

    @Test func `A lossless relay blocks`() throws {
        let plan = try load(relayed(packets, #""s.video -> relay -> out""#, relay: #", "lossless": true"#))
        #expect(plan.root.edges.map(\.overflow) == [.block, .block])
        #expect(plan.root.nodes[1].isLossless)
    }

    @Test func `Block out of a relay needs lossless`() {
        let edge = #""s.audio -> relay", { "from": "relay", "to": "out", "overflow": "block" }"#
        #expect(
            errors(relayed(raw, edge)) == """
                t.json:4:65: edge "relay -> out": "block" would let one slow reader hold relay and all its others.
                  Use "drop-oldest", or give relay "lossless": true, and the slowest governs.
                """)
        #expect(errors(relayed(raw, edge, relay: #", "lossless": true"#)) == "")
    }

    @Test func `Lossless is for nodes that share`() {
        #expect(
            errors(
                graph(
                    nodes: #""s": { "type": "microphone", "lossless": true }, "o": { "type": "null-sink" }"#,
                    edges: #""s -> o""#))
                    == """
                    t.json:2:42: node "s": lossless is for nodes that share their input, and microphone does not.
                      Remove it; a "block" edge loses nothing.
                    """)
    }

    @Test func `Dependent packets are not dropped one by one`() {
        for policy in ["drop-oldest", "drop-newest"] {
            let edge = #""s.video -> relay", { "from": "relay", "to": "out", "overflow": "\#(policy)" }"#
            #expect(
                errors(relayed(packets, edge)) == """
                    t.json:4:65: edge "relay -> out": "\(policy)" would lose packets that later ones depend on (video \
                    packets).
                      Use "block" or "drop-to-keyframe".
                    """)
        }
        let edge = #""s.video -> relay", { "from": "relay", "to": "out", "overflow": "drop-to-keyframe" }"#
        #expect(errors(relayed(packets, edge)) == "")
        #expect(
            errors(relayed(raw, edge)) == """
                t.json:4:65: edge "relay -> out": "drop-to-keyframe" is for packets, and this edge carries raw video.
                  Use "drop-oldest".
                """)
    }

    @Test func `A bound that stands alone governs`() {
        #expect(
            EdgePolicy.Capacity(givenItems: nil, givenMilliseconds: 5000)
                == .init(items: 2500, milliseconds: 5000))
        #expect(
            EdgePolicy.Capacity(givenItems: nil, givenMilliseconds: 10)
                == .init(items: 16, milliseconds: 10))
        #expect(EdgePolicy.Capacity(givenItems: nil, givenMilliseconds: 600_000).items == 4096)
        #expect(
            EdgePolicy.Capacity(givenItems: 4, givenMilliseconds: nil)
                == .init(items: 4, milliseconds: 4000))
        #expect(EdgePolicy.Capacity(givenItems: 1000, givenMilliseconds: nil).milliseconds == 60_000)
    }

    @Test(arguments: [
        (
            #""capacity": { "item": 3 }"#,
            "\"capacity\" has no key \"item\".\n  Did you mean \"items\"?"
        ),
        (
            #""capacity": { "seconds": 3 }"#,
            "\"capacity\" has no key \"seconds\".\n  Its keys are: bytes, items, ms."
        ),
        (#""capacity": {}"#, "\"capacity\" gives neither items, ms nor bytes."),
        (#""capacity": 16"#, "\"capacity\" takes an object, found a number.\n  Write { … }."),
        (#""capacity": { "items": 0 }"#, "edge \"relay -> out\": items takes 1 to 65536, found 0."),
        (#""capacity": { "ms": 1.5 }"#, "edge \"relay -> out\": ms takes an integer, found 1.5."),
        (
            #""overflow": "drop_oldest""#,
            """
            edge "relay -> out": overflow takes one of "block", "drop-oldest", "drop-newest", "drop-to-keyframe", \
            found "drop_oldest".
              Did you mean "drop-oldest"?
            """
        ),
        (
            #""epoch": "keepp""#,
            "edge \"relay -> out\": epoch takes one of \"flush\", \"keep\", found \"keepp\".\n  Did you mean \"keep\"?"
        ),
        (#""optional": "yes""#, "edge \"relay -> out\": optional takes true or false, found the string \"yes\"."),
    ])
    func `What an edge may say is checked`(key: String, expected: String) {
        let all = errors(relayed(raw, "\"s.audio -> relay\",\n{ \"from\": \"relay\", \"to\": \"out\", \(key) }"))
        #expect(all.contains(expected))
    }
}
