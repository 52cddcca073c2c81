import Testing

@_spi(Host) @testable import Sluice

@Suite struct EdgeErrorTests {
    private static let camera =
        #""camera": { "type": "camera" }, "opus": { "type": "opus-encoder" }, "out": { "type": "null-sink" }"#

    @Test func `Ends that disagree name both offers and the port that was meant`() {
        #expect(
            errors(graph(nodes: Self.camera, edges: #"  "camera.out -> opus -> out""#)) == """
                t.json:4:3: edge "camera.out -> opus": camera.out gives video i420, \
                opus.in takes audio s16/f32 48000 Hz.
                  Did you mean camera.audio?
                """)
    }

    @Test func `A disagreement that shows at the run reads the same, with the whole format`() throws {
        let nodes = #""camera": { "type": "camera" }, "echo": { "type": "echo" }, "out": { "type": "null-sink" }"#
        let plan = try load(graph(nodes: nodes, edges: #""camera.out -> echo -> out""#)).root
        var target = plan.nodes[1]
        target.spec = catalog.spec(for: "opus-encoder")!
        let format = MediaFormat(
            video: VideoLayout(width: 1280, height: 720, pixelFormat: .i420, frameRate: .init(30)))
        let diagnostic = plan.edges[0].disagreement(
            gives: format, takes: target.spec.inputs[0].formats, source: plan.nodes[0], target: target,
            edges: plan.edges, catalog: catalog, file: "graphs/talk.json")
        #expect(
            diagnostic.description == """
                graphs/talk.json:4:1: edge "camera.out -> echo": camera.out gives video 1280x720 i420 30/s, \
                echo.in takes audio s16/f32 48000 Hz.
                  Did you mean camera.audio?
                """)
    }

    @Test func `A known converter is named, and two where one is not enough`() {
        let nodes =
            #""mic": { "type": "microphone" }, "opus": { "type": "opus-encoder" }, "out": { "type": "null-sink" }"#
        #expect(
            errors(graph(nodes: nodes, edges: #""mic -> opus -> out""#)) == """
                t.json:4:1: edge "mic -> opus": mic.out gives audio s16 44100 Hz, opus.in takes audio s16/f32 48000 Hz.
                  Put a node of type "audio-convert" between them: "mic -> audio-convert -> opus".
                """)
        let raw = #""cam": { "type": "camera" }, "tape": { "type": "record", "path": "x" }"#
        #expect(
            errors(graph(nodes: raw, edges: #""cam.out -> tape.video""#)) == """
                t.json:4:1: edge "cam.out -> tape.video": cam.out gives video i420, tape.video takes video packets.
                  Put a node of type "vp8-encoder" between them: "cam.out -> vp8-encoder -> tape.video".
                """)
        let peer = #""mic": { "type": "microphone" }, "peer": { "type": "peer" }"#
        #expect(
            errors(graph(nodes: peer, edges: #""mic -> peer.audio""#)) == """
                t.json:4:1: edge "mic -> peer.audio": mic.out gives audio s16 44100 Hz, peer.audio takes audio opus.
                  Put a node of type "audio-convert" and a node of type "opus-encoder" between them: "mic -> \
                audio-convert -> opus-encoder -> peer.audio".
                """)
    }

    @Test func `A format is followed through relays and pacers`() {
        let nodes = #"""
            "cam": { "type": "camera" }, "relay": { "type": "relay" }, "echo": { "type": "echo" },
            "opus": { "type": "opus-encoder" }, "out": { "type": "null-sink" }
            """#
        #expect(
            errors(graph(nodes: nodes, edges: #""cam.out -> relay -> echo -> opus -> out""#)) == """
                t.json:5:1: edge "echo -> opus": echo.out gives video i420, opus.in takes audio s16/f32 48000 Hz.
                  No known node turns the one into the other.
                """)
    }

    @Test func `A parameter decides what a port gives`() throws {
        let nodes =
            #"""
            "s": { "type": "source", "open": "x", "decode": false }, "opus": { "type": "opus-encoder" }, \#
            "out": { "type": "null-sink" }
            """#
        #expect(
            errors(graph(nodes: nodes, edges: #""s.audio -> opus -> out""#)) == """
                t.json:4:1: edge "s.audio -> opus": s.audio gives audio packets, opus.in takes audio s16/f32 48000 Hz.
                  No known node turns the one into the other.
                """)
    }

    @Test func `A template is checked against what the graph around it gives`() {
        let text = """
            { "nodes": { "cam": { "type": "camera" }, "relay": { "type": "relay" } }, "edges": [ "cam.out -> relay" ],
              "templates": { "v": { "nodes": { "opus": { "type": "opus-encoder" }, "out": { "type": "null-sink" } },
                "edges": [ "$parent.relay -> opus -> out" ] } }, "start": [ { "template": "v" } ] }
            """
        #expect(
            errors(text).hasPrefix(
                #"t.json:3:16: edge "$parent.relay -> opus": $parent.relay.out gives video i420, opus.in takes audio"#))
    }

    @Test(arguments: [
        (
            #""camera -> opus -> out""#,
            "t.json:4:1: edge \"camera -> opus\": camera has several outputs and none is named.\n  Write camera.audio."
        ),
        (
            #""camera -> out""#,
            """
            t.json:2:33: node "opus": no edge feeds its input opus.in.
              Add "… -> opus.in"; it takes audio s16/f32 48000 Hz.
            t.json:2:33: node "opus": no edge takes from its output opus.out.
              Add "opus.out -> …", to a null-sink if it is not wanted.
            t.json:4:1: edge "camera -> out": camera has several outputs and none is named.
              Write camera.out or camera.audio.
            """
        ),
        (
            #""camera.adio -> opus -> out""#,
            """
            t.json:4:1: edge "camera.adio -> opus": camera is of type camera, which has no output "adio".
              Did you mean camera.audio?
            """
        ),
        (
            #""camera.audio -> opsu", "opus -> out""#,
            """
            t.json:4:1: edge "camera.audio -> opsu": there is no node "opsu".
              Did you mean "opus"?
            """
        ),
        (
            #""camera.audio -> opus", "opus.in -> out""#,
            """
            t.json:4:25: edge "opus.in -> out": opus.in is an input, and an edge begins at an output.
              Did you mean opus.out?
            """
        ),
        (
            #""camera.audio -> opus -> out", "out -> opus""#,
            """
            t.json:4:32: edge "out -> opus": out is of type null-sink, which has no output.
              It can only end an edge.
            """
        ),
        (
            #""camera.audio -> opus -> out", "opus -> out""#,
            """
            t.json:4:32: edge "opus -> out" is given twice; the first is in line 4.
              Remove one of them.
            """
        ),
        (
            #""camera.audio -> opus""#,
            """
            t.json:2:33: node "opus": no edge takes from its output opus.out.
              Add "opus.out -> …", to a null-sink if it is not wanted.
            t.json:2:69: node "out": no edge feeds its input out.in.
              Add "… -> out.in"; it takes any media.
            """
        ),
        (
            #""$parent.camera.audio -> opus -> out""#,
            """
            t.json:4:1: edge "$parent.camera.audio -> opus": $parent stands for the graph around a template, \
            and this is no template.
              Write "camera.audio".
            """
        ),
        (
            #""camera.audio""#,
            "t.json:4:1: edge \"camera.audio\" has no arrow.\n  Write \"a -> b\", or \"a.out -> b.in\"."
        ),
        (
            #""camera.audio -> ""#,
            "t.json:4:1: edge \"camera.audio -> \" lacks an end.\n  Write a node on each side of \"->\"."
        ),
        (
            #"{ "from": "camera.audio", "too": "opus" }"#,
            """
            t.json:4:1: the edge has no "to".
              Add "to": "node.port".
            t.json:4:27: an edge has no key "too".
              Did you mean "to"?
            """
        ),
    ])
    func `A wrong end says what was meant`(edges: String, expected: String) {
        #expect(errors(graph(nodes: Self.camera, edges: edges)) == expected)
    }

    @Test func `One output has one edge, one input has one edge`() {
        let nodes =
            #"""
            "a": { "type": "microphone" }, "b": { "type": "null-sink" }, "c": { "type": "null-sink" }, \#
            "d": { "type": "microphone" }
            """#
        #expect(
            errors(graph(nodes: nodes, edges: "\"a -> b\",\n\"a -> c\",\n\"d -> c\"")) == """
                t.json:5:1: edge "a -> c": a.out already goes to b.in.
                  One output has one edge; to share it, put a relay.
                """)
        #expect(
            errors(graph(nodes: nodes, edges: "\"a -> b\",\n\"d -> b\"")).hasSuffix(
                """
                t.json:5:1: edge "d -> b": b.in is already fed by a.out.
                  One input has one edge; put a node that joins both before it, or use another input.
                """))
    }

    @Test func `A cycle of media edges is named`() {
        let nodes =
            #""a": { "type": "echo" }, "b": { "type": "echo" }, "c": { "type": "echo" }, "d": { "type": "echo" }"#
        #expect(
            errors(graph(nodes: nodes, edges: "\"a -> b -> c\",\n\"c -> a\",\n\"d -> d\"")) == """
                t.json:5:1: media edges form a cycle: a -> b -> c -> a.
                  Media edges form no cycle; what goes back is a control link.
                t.json:6:1: media edges form a cycle: d -> d.
                  Media edges form no cycle; what goes back is a control link.
                """)
    }

    @Test func `No edge leads from a template into its parent, and an output of the parent is shared by a relay`() {
        let text = """
            { "nodes": { "mic": { "type": "microphone" }, "sink": { "type": "null-sink" } }, "edges": [],
              "templates": { "v": { "nodes": { "e": { "type": "echo" } },
                "edges": [ "$parent.mic -> e",
                           "e -> $parent.sink" ] } }, "start": [ { "template": "v" } ] }
            """
        let all = errors(text)
        #expect(
            all.contains(
                """
                t.json:4:16: edge "e -> $parent.sink": no edge may lead from a template into its parent.
                  Media flow from the graph into a template; use a control link for what goes back.
                """))
        #expect(
            all.contains(
                """
                t.json:3:16: edge "$parent.mic -> e": $parent.mic.out has one edge, \
                and each instance of the template needs its own.
                  One output has one edge; to share it, put a relay.
                """))
    }
}
