import Testing

@testable @_spi(Host) import Sluice

/// Templates that hold templates.
@Suite struct NestedTemplateTests {
    private func rooms(
        viewer: String = #"{ "nodes": { "out": { "type": "null-sink" } }, "edges": [ "$parent.hub -> out" ] }"#,
        room: String = "", parameters: String = "", start: String = #"[ { "template": "room" } ]"#
    ) -> String {
        """
        { "nodes": { "s": { "type": "microphone" }, "relay": { "type": "relay" } }, "edges": [ "s -> relay" ],
        "templates": { "room": { \(parameters)"nodes": { "hub": { "type": "relay" } }, \
        "edges": [ "$parent.relay -> hub" ],
        "templates": { "viewer": \(viewer) },
        "start": [ { "template": "viewer", "count": 2 } ]\(room) } },
        "start": \(start) }
        """
    }

    @Test func `An instance of a template holds templates of its own`() throws {
        let plan = try load(rooms())
        #expect(plan.warnings.isEmpty)
        #expect(plan.templateCount == 2)
        #expect(plan.allNodes.map(\.name) == ["s", "relay", "hub", "out"])
        let room = try #require(plan.templates["room"]).instance([:])
        #expect(room.start.map(\.count) == [2])
        let viewer = try #require(room.templates["viewer"]).instance(["instance": .integer(2)])
        #expect(viewer.edges[0].from == EndPlan(node: "hub", port: "out", isParent: true))
        #expect(viewer.edges[0].formats.patterns.map(\.kind) == [.rawAudio])
    }

    @Test func `The parent of an inner template is the one around it`() {
        let text = rooms(
            viewer: #"{ "nodes": { "out": { "type": "null-sink" } }, "edges": [ "$parent.relay -> out" ] }"#)
        #expect(
            errors(text).contains(
                " edge \"$parent.relay -> out\": template \"room\" has no node \"relay\"."))
    }

    @Test func `A reference looks into the inner template, then outwards`() throws {
        let text = rooms(
            viewer:
                #"""
                { "parameters": { "who": { "default": "${name}/${instance}" } }, \#
                "nodes": { "out": { "type": "record", "path": "${who}" } }, "edges": [ "$parent.hub -> out.audio" ] }
                """#,
            parameters: #""parameters": { "name": { "default": "room-${instance}" } }, "#)
        let plan = try load(text)
        let room = try #require(plan.templates["room"]).instance(["instance": .integer(3)])
        let viewer = try #require(room.templates["viewer"]).instance(["instance": .integer(5)])
        #expect(viewer.nodes[0].parameters["path"] == .string("room-3/5"))
        let other = try #require(plan.templates["room"]).instance(["name": .string("den")])
        #expect(try #require(other.templates["viewer"]).instance([:]).nodes[0].parameters["path"] == .string("den/1"))
    }

    @Test func `What an inner start lacks is told once`() {
        let text = rooms(
            viewer:
                #"""
                { "parameters": { "n": { "type": "integer" } }, "nodes": { "out": { "type": "null-sink" } }, \#
                "edges": [ "$parent.hub -> out" ] }
                """#
        )
        #expect(
            errors(text) == """
                t.json:4:12: start of "viewer": the template's parameter "n" has no value.
                  Add "parameters": { "n": … }, or a "default" in the template.
                """)
    }

    @Test func `A start names a template that stands beside it`() {
        let text = rooms(start: #"[ { "template": "viewer" } ]"#)
        #expect(errors(text).contains("there is no template \"viewer\""))
    }

    @Test func `An inner template that nothing starts warns`() throws {
        let text = rooms(room: "").replacing(
            #""start": [ { "template": "viewer", "count": 2 } ]"#, with: #""start": []"#)
        #expect(try load(text).warnings.map(\.message) == ["template \"viewer\" is never started."])
    }

    @Test func `Templates nest to a depth with a sentence`() {
        var inner = #"{ "nodes": { "out": { "type": "null-sink" } } }"#
        for _ in 0..<9 { inner = #"{ "nodes": { "n": { "type": "null-sink" } }, "templates": { "t": \#(inner) } }"# }
        #expect(errors(inner).contains("templates nest more than 8 deep."))
    }

    @Test func `Both are drawn, the inner one at its parent`() throws {
        let drawing = GraphDrawing(try load(rooms()))
        #expect(drawing.sessions.map(\.title) == [nil, "room × 1", "room/viewer × 2"])
        #expect(drawing.sessions[2].edges.map(\.from) == ["room/hub"])
        #expect(drawing.sessions[2].edges.map(\.to) == ["room/viewer/out"])
    }

    @Test func `Lanes of an inner template are called by their path`() throws {
        let text = rooms().replacing(
            #""start": [ { "template": "room" } ]"#,
            with: #""lanes": { "room/viewer/tape": { "nice": 1 } }, "start": [ { "template": "room" } ]"#
        ).replacing(
            #"{ "nodes": { "out": { "type": "null-sink" } }, "edges": [ "$parent.hub -> out" ] }"#,
            with:
                #"{ "nodes": { "tape": { "type": "record", "path": "a" } }, "edges": [ "$parent.hub -> tape.audio" ] }"#
        )
        #expect(try load(text).lanes["room/viewer/tape"]?.nice == 1)
    }
}
