import Testing

@testable @_spi(Host) import Sluice

@Suite struct DrawingTests {
    /// A talk with a camera, two relays, a template with control links into the graph.
    static let talk = """
        { "summary": "A camera to many viewers & a recording.",
          "parameters": { "key": { "secret": true, "env": "KEY" } },
          "nodes": {
            "camera": { "type": "camera" }, "gain": { "type": "gain" }, "opus": { "type": "opus-encoder" },
            "vp8": { "type": "vp8-encoder" }, "audio": { "type": "relay" }, "picture": { "type": "relay" },
            "tape": { "type": "record", "path": "tape.webm", "password": "${key}" }
          },
          "edges": [
            "camera.audio -> gain -> opus -> audio", "camera.out -> vp8 -> picture",
            { "from": "audio", "to": "tape.audio", "capacity": { "ms": 5000 }, "epoch": "keep" },
            { "from": "picture", "to": "tape.video", "capacity": { "ms": 5000 }, "epoch": "keep", "optional": true }
          ],
          "templates": {
            "viewer": {
              "nodes": { "peer": { "type": "peer" } },
              "edges": [ "$parent.audio -> peer.audio", "$parent.picture -> peer.video" ],
              "controls": [
                { "from": "peer.estimate_kbps", "to": "$parent.vp8.bitrate_kbps", "join": "min" },
                { "from": "peer.keyframe", "to": "$parent.vp8.keyframe", "join": "any" }
              ]
            },
            "meter": {
              "nodes": { "decode": { "type": "vp8-decoder" }, "out": { "type": "null-sink" } },
              "edges": [ "$parent.picture -> decode -> out" ]
            }
          },
          "start": [ { "template": "viewer", "count": 3 }, { "template": "meter" } ]
        }
        """

    @Test func `A drawing shows nodes, types, ports, policies, templates and control links`() throws {
        let drawing = GraphDrawing(try load(example))
        #expect(
            drawing.text(.mermaid) == """
                flowchart LR
                  n0["<b>source</b><br/>source"]
                  n1["<b>relay</b><br/>relay"]
                  n2["<b>tape</b><br/>record"]
                  subgraph s1["listener × 2"]
                    n3["<b>pacer</b><br/>pacer"]
                    n4["<b>opus</b><br/>opus-encoder"]
                    n5["<b>out</b><br/>null-sink"]
                  end
                  n0 -->|"audio"| n1
                  n1 -->|"audio<br/>drop-newest, 2500 items/5000 ms, keep"| n2
                  n1 -->|"drop-oldest, 50 items/1000 ms"| n3
                  n3 --> n4
                  n4 --> n5

                """)
        let dot = GraphDrawing(try load(Self.talk, environment: ["KEY": "hunter2"])).text(.dot)
        #expect(dot.contains(#"subgraph cluster_1 {"#) && dot.contains(#"label="viewer × 3"; style=dashed;"#))
        #expect(
            dot.contains(
                #""viewer/peer" -> "vp8" [label="estimate_kbps → bitrate_kbps (min)", style=dashed, constraint=false];"#
            ))
    }

    @Test func `No drawing shows a secret or anything else that a parameter holds`() throws {
        let drawing = GraphDrawing(try load(Self.talk, environment: ["KEY": "hunter2"]))
        for format in GraphDrawing.Format.allCases {
            #expect(!drawing.text(format).contains("hunter2"))
            #expect(!drawing.text(format).contains("tape.webm"))
        }
    }

    @Test func `No two boxes of a picture overlap, and none crosses the frame of another template`() throws {
        for text in [example, Self.talk] {
            let layout = LayeredLayout(GraphDrawing(try load(text, environment: ["KEY": "k"])))
            let boxes = Array(layout.boxes.values)
            for (index, a) in boxes.enumerated() {
                #expect(a.x >= 0 && a.y >= 0 && a.x + a.width <= layout.width && a.y + a.height <= layout.height)
                for b in boxes.dropFirst(index + 1) {
                    #expect(
                        a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y)
                }
            }
            for (upper, lower) in zip(layout.bands, layout.bands.dropFirst()) { #expect(upper.bottom < lower.top) }
        }
    }

    @Test func `The picture is well-formed text with everything in it`() throws {
        let svg = GraphDrawing(try load(Self.talk, environment: ["KEY": "k"])).text(.svg)
        for word in [
            "viewer × 3", "peer", "vp8-encoder", "estimate_kbps → bitrate_kbps (min)", "viewers &amp; a recording",
        ] {
            #expect(svg.contains(word))
        }
        #expect(svg.split(separator: "<text").count - 1 == svg.split(separator: "</text>").count - 1)
    }
}
