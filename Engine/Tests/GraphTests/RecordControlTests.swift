import Testing

@testable @_spi(Host) import Sluice

@Suite struct RecordControlTests {
    private func inside(_ control: String) -> String {
        graph(
            nodes:
                #"""
                "c": { "type": "camera" }, "vp8": { "type": "vp8-encoder" }, "peer": { "type": "peer" }, \#
                "s": { "type": "steer" }
                """#,
            edges: #""c.out -> vp8 -> peer.video""#, more: "\"controls\": [\n\(control)\n]")
    }

    private func leaving(_ join: String) -> String {
        """
        { "nodes": { "c": { "type": "camera" }, "vp8": { "type": "vp8-encoder" }, "relay": { "type": "relay" }, \
        "s": { "type": "steer" } },
          "edges": [ "c.out -> vp8 -> relay" ],
          "templates": { "v": { "nodes": { "peer": { "type": "peer" } },
            "edges": [ "$parent.relay -> peer.video" ], "controls": [
        { "from": "peer.network", "to": "$parent.s.network"\(join) }
        ] } }, "start": [ { "template": "v" } ] }
        """
    }

    @Test func `A record goes to a record input that wants no field which it lacks, in the receiver's order`() throws {
        let plan = try load(inside(#""peer.network -> s.network""#))
        #expect(plan.root.controls.map(\.kind) == [.record])
        #expect(plan.root.controls.map(\.fields) == [["loss_percent", "rtt_ms"]])
        let drawing = GraphDrawing(plan)
        #expect(drawing.text(.mermaid).contains("-.->|\"network {2}\"|"))
    }

    @Test(arguments: [
        (
            #""peer.network -> s.power""#,
            """
            t.json:6:1: control "peer.network -> s.power": peer.network gives a record of rtt_ms, loss_percent, \
            jitter_ms, s.power takes one of watts.
              It lacks watts.
            """
        ),
        (
            #""peer.network -> s""#,
            """
            t.json:6:1: control "peer.network -> s": s has several controls and none is named.
              Write s.network or s.power.
            """
        ),
        (
            #""peer.network -> vp8.keyframe""#,
            """
            t.json:6:1: control "peer.network -> vp8.keyframe": network is a record, and vp8.keyframe takes a request.
            """
        ),
        (
            #""peer.network -> vp8.bitrate_kbps""#,
            """
            t.json:6:1: control "peer.network -> vp8.bitrate_kbps": network is a record, \
            and vp8.bitrate_kbps takes a value.
            """
        ),
        (
            #""peer.estimate_kbps -> s.network""#,
            """
            t.json:6:1: control "peer.estimate_kbps -> s.network": estimate_kbps is a value, \
            and s.network takes a record.
            """
        ),
        (
            #""peer.network -> s.netwerk""#,
            """
            t.json:6:1: control "peer.network -> s.netwerk": s is of type steer, which has no record input "netwerk".
              Did you mean "network"?
            """
        ),
    ])
    func `A wrong link says what both ends have`(control: String, expected: String) {
        #expect(errors(inside(control)) == expected)
    }

    @Test func `Records of several instances are joined by the last one`() throws {
        let controls = try load(leaving(#", "join": "last""#)).templates["v"]!.instance([:]).controls
        #expect(controls.map(\.combination) == [.last])
        #expect(
            errors(leaving(#", "join": "min""#)) == """
                t.json:5:62: control "peer.network -> $parent.s.network": "join": "min" does not fit a record.
                  Records are joined by "last".
                """)
        #expect(
            errors(leaving("")) == """
                t.json:5:1: control "peer.network -> $parent.s.network" leaves the template and does not say how its \
                instances are joined.
                  Add "join": "last".
                """)
    }

    /// A thread sends while another takes: no record is half of two, and none is older than one before.
    @Test func `No record is half of two`() async {
        let output = RecordOutput("pair", [.init("a", help: ""), .init("b", help: "")], help: "")
        let input = RecordInput("pair", [.init("b", help: ""), .init("a", help: "")], help: "")
        let links = output.links
        links.add(input.cell, order: output.control.order(for: input.control))
        let sender = Task.detached {
            for number in 1...200_000 { links.send(record: [Double(number), -Double(number)]) }
        }
        var (last, torn, backwards, count) = (0.0, 0, 0, 0)
        while last < 200_000 {
            input.handOver()
            guard let record = input.take() else { continue }
            count += 1
            if record["a"] != -record["b"] { torn += 1 }
            if record["a"] <= last { backwards += 1 }
            last = record["a"]
        }
        await sender.value
        #expect(torn == 0 && backwards == 0 && count > 0)
    }
}
