import Testing

@_spi(Host) @testable import Sluice

@Suite struct ControlTests {
    private func inside(_ control: String) -> String {
        graph(
            nodes: #""c": { "type": "camera" }, "vp8": { "type": "vp8-encoder" }, "peer": { "type": "peer" }"#,
            edges: #""c.out -> vp8 -> peer.video""#, more: "\"controls\": [\n\(control)\n]")
    }

    private func leaving(_ control: String) -> String {
        """
        { "nodes": { "c": { "type": "camera" }, "vp8": { "type": "vp8-encoder" }, "relay": { "type": "relay" } },
          "edges": [ "c.out -> vp8 -> relay" ],
          "templates": { "v": { "nodes": { "peer": { "type": "peer" }, "peer-b": { "type": "peer" } },
            "edges": [ "$parent.relay -> peer.video" ], "controls": [
        \(control)
        ] } }, "start": [ { "template": "v" } ] }
        """
    }

    @Test func `A value goes to a live parameter and a request to a request input`() throws {
        let plan = try load(inside(#""peer.estimate_kbps -> vp8.bitrate_kbps", "peer.keyframe -> vp8""#))
        #expect(
            plan.root.controls.map { "\($0.from) -> \($0.to) \($0.kind)" } == [
                "peer.estimate_kbps -> vp8.bitrate_kbps value", "peer.keyframe -> vp8.keyframe request",
            ])
        #expect(plan.root.controls.allSatisfy { $0.combination == nil })
    }

    @Test func `Control links may run backwards and are no part of the cycle check`() {
        #expect(errors(inside(#""peer.keyframe -> vp8.keyframe""#)) == "")
    }

    @Test(arguments: [
        (
            #""peer.estimate_kbps -> vp8.keyframe""#,
            """
            t.json:6:1: control "peer.estimate_kbps -> vp8.keyframe": estimate_kbps is a value, \
            and vp8.keyframe takes a request.
              It has: bitrate_kbps.
            """
        ),
        (
            #""peer.keyframe -> vp8.bitrate_kbps""#,
            """
            t.json:6:1: control "peer.keyframe -> vp8.bitrate_kbps": keyframe is a request, \
            and vp8.bitrate_kbps takes a value.
              It has: keyframe.
            """
        ),
        (
            #""peer.estimate_kbps -> vp8.threads""#,
            """
            t.json:6:1: control "peer.estimate_kbps -> vp8.threads": "threads" of vp8-encoder is fixed at the start.
              It has: bitrate_kbps.
            """
        ),
        (
            #""peer.estimate_kbps -> vp8.bitrate""#,
            """
            t.json:6:1: control "peer.estimate_kbps -> vp8.bitrate": vp8 is of type vp8-encoder, \
            which has no live parameter "bitrate".
              Did you mean "bitrate_kbps"?
            """
        ),
        (
            #""peer.estimate -> vp8.bitrate_kbps""#,
            """
            t.json:6:1: control "peer.estimate -> vp8.bitrate_kbps": peer is of type peer, \
            which has no control output "estimate".
              Did you mean "estimate_kbps"?
            """
        ),
        (
            #""vp8.out -> vp8.keyframe""#,
            """
            t.json:6:1: control "vp8.out -> vp8.keyframe": vp8 is of type vp8-encoder, \
            which has no control output "out".
              "out" carries media: it belongs in "edges".
            """
        ),
        (
            #""peer -> vp8.keyframe""#,
            """
            t.json:6:1: control "peer -> vp8.keyframe": peer has several control outputs and none is named.
              Write peer.estimate_kbps, peer.keyframe or peer.network.
            """
        ),
        (
            #"{ "from": "peer.keyframe", "to": "vp8.keyframe", "join": "any" }"#,
            """
            t.json:6:58: control "peer.keyframe -> vp8.keyframe": "join" is for links that leave a template for $parent.
              Remove it.
            """
        ),
        (
            #""peer.keyframe -> vp8.keyframe", "peer.keyframe -> vp8""#,
            """
            t.json:6:34: control "peer.keyframe -> vp8" is given twice; the first is in line 6.
              Remove one of them.
            """
        ),
        (
            #""peer.keyframe -> vp8.keyframe -> c""#,
            """
            t.json:6:1: control "peer.keyframe -> vp8.keyframe -> c" has more than two ends.
              Write one control link for each pair.
            """
        ),
    ])
    func `A wrong control link says what fits`(control: String, expected: String) {
        #expect(errors(inside(control)) == expected)
    }

    @Test func `A link that leaves a template says how its instances are joined`() throws {
        let good = leaving(
            #"""
            { "from": "peer.estimate_kbps", "to": "$parent.vp8.bitrate_kbps", "join": "min" }, \#
            { "from": "peer.keyframe", "to": "$parent.vp8", "join": "any" }
            """#
        )
        let controls = try load(good).templates["v"]!.instance([:]).controls
        #expect(controls.map(\.combination) == [.min, .any] && controls.allSatisfy(\.to.isParent))
        #expect(
            errors(leaving(#""peer.estimate_kbps -> $parent.vp8.bitrate_kbps""#)) == """
                t.json:5:1: control "peer.estimate_kbps -> $parent.vp8.bitrate_kbps" leaves the template and does not \
                say how its instances are joined.
                  Add "join": "min", "max" or "last".
                """)
        #expect(
            errors(leaving(#"{ "from": "peer.keyframe", "to": "$parent.vp8.keyframe", "join": "max" }"#)) == """
                t.json:5:66: control "peer.keyframe -> $parent.vp8.keyframe": "join": "max" does not fit a request.
                  Requests are joined by "any".
                """)
        #expect(
            errors(leaving(#"{ "from": "peer.keyframe", "to": "$parent.vp8.keyframe", "join": "avg" }"#)).contains(
                #"join takes one of "min", "max", "last", "any", found "avg"."#))
    }
}
