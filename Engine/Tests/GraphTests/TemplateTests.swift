import Testing

@testable @_spi(Host) import Sluice

@Suite struct TemplateTests {
    private func templated(
        _ parameters: String, _ start: String, name: String = "tape-${instance}.wav", graph: String = ""
    ) -> String {
        """
        { \(graph)"nodes": { "s": { "type": "microphone" }, "relay": { "type": "relay" } }, "edges": [ "s -> relay" ],
        "templates": { "rec": { "parameters": { \(parameters) },
        "nodes": { "tape": { "type": "record", "path": "\(name)" } }, "edges": [ "$parent.relay -> tape.audio" ] } },
        "start": [ \(start) ] }
        """
    }

    private func path(_ plan: GraphPlan, _ parameters: [String: ParameterValue]) throws -> ParameterValue? {
        try plan.templates["rec"]!.instance(parameters).nodes[0].parameters["path"]
    }

    @Test func `Each instance has its number`() throws {
        let plan = try load(templated("", #"{ "template": "rec", "count": 2 }"#))
        #expect(try path(plan, ["instance": .integer(7)]) == .string("tape-7.wav"))
        #expect(try path(plan, [:]) == .string("tape-1.wav"))
    }

    @Test func `A reference looks into the template's parameters, then into the graph's`() throws {
        let text = templated(
            #""dir": { "default": "${base}/${instance}" }"#,
            #"{ "template": "rec", "parameters": { "dir": "${base}!" } }"#, name: "${dir}/${ext}",
            graph:
                #"""
                "parameters": { "base": { "default": "b" }, "dir": { "default": "graph" }, \#
                "ext": { "default": "wav" } }, 
                """#
        )
        let plan = try load(text)
        #expect(try path(plan, ["instance": .integer(3)]) == .string("b/3/wav"))
        #expect(plan.start[0].parameters == ["dir": .string("b!")])
        #expect(try path(plan, plan.start[0].parameters) == .string("b!/wav"))
        #expect(plan.templates["rec"]?.parameters.map(\.name) == ["dir"])
    }

    @Test(arguments: [
        (
            "", #"{ "template": "rex" }"#,
            "t.json:4:26: there is no template \"rex\".\n  Did you mean \"rec\"?"
        ),
        (
            #""n": { "type": "integer" }"#, #"{ "template": "rec" }"#,
            """
            t.json:4:12: start of "rec": the template's parameter "n" has no value.
              Add "parameters": { "n": … }, or a "default" in the template.
            """
        ),
        (
            #""n": { "type": "integer" }"#, #"{ "template": "rec", "parameters": { "m": 1, "n": "x" } }"#,
            """
            t.json:4:49: start of "rec": the template has no parameter "m".
              It takes: n.
            t.json:4:62: start of "rec": n takes an integer, found the string "x".
            """
        ),
        (
            "", #"{ "template": "rec", "count": -1 }"#,
            "t.json:4:42: start of \"rec\": count takes 0 to 10000, found -1."
        ),
        (
            "", #"{ "template": "rec", "cuont": 1 }"#,
            "t.json:4:33: an entry of \"start\" has no key \"cuont\".\n  Did you mean \"count\"?"
        ),
        ("", "{}", "t.json:4:12: an entry of \"start\" names no template.\n  Add \"template\"."),
    ])
    func `A wrong start says what is taken`(parameters: String, start: String, expected: String) {
        #expect(errors(templated(parameters, start)) == expected)
    }

    @Test func `An instance that is started later is checked like one in the file`() throws {
        let text = templated(#""n": { "type": "integer", "range": [1, 5] }"#, "", name: "${n}.wav")
        let plan = try load(text)
        #expect(try path(plan, ["n": .integer(2)]) == .string("2.wav"))
        for (parameters, expected) in [
            ([:], #"t.json:2:41: template "rec": parameter "n" has no value."#),
            (["n": .integer(9)], #"t.json:2:41: template "rec": parameter "n" takes 1 to 5, found 9."#),
            (["n": .integer(1), "m": .integer(1)], #"t.json:2:16: template "rec" has no parameter "m"."#),
        ] as [([String: ParameterValue], String)] {
            let error = #expect(throws: GraphError.self) { try plan.templates["rec"]!.instance(parameters) }
            #expect(error?.description.hasPrefix(expected) == true)
        }
    }

    @Test func `Parameters of a start that break an instance are told before the run`() {
        let text = """
            { "nodes": { "s": { "type": "microphone" }, "relay": { "type": "relay" } }, "edges": [ "s -> relay" ],
            "templates": { "l": { "parameters": { "ms": { "default": 20 } },
            "nodes": { "p": { "type": "pacer", "frame_ms": "${ms}" }, "o": { "type": "null-sink" } }, \
            "edges": [ "$parent.relay -> p -> o" ] } },
            "start": [ { "template": "l", "parameters": { "ms": 500 } } ] }
            """
        #expect(errors(text) == #"t.json:3:48: node "p": frame_ms takes 5 to 120, found 500."#)
    }

    @Test func `A template that nothing starts or names warns`() throws {
        #expect(
            try load(templated("", "")).warnings.map(\.description) == [
                """
                t.json:2:16: warning: template "rec" is never started.
                  Add { "template": "rec" } to "start", or name it in the node that starts it.
                """
            ])
        let text = templated("", "").replacing(
            #""nodes": { "s""#, with: #""nodes": { "whep": { "type": "whep-host", "starts": "rec" }, "s""#)
        #expect(try load(text).warnings.isEmpty)
        let chosen = templated("", "").replacing(
            #""nodes": { "s""#,
            with: #""parameters": { "kind": { "default": "none", "choices": ["none", "rec"] } }, "nodes": { "s""#)
        #expect(try load(chosen).warnings.isEmpty)
    }

    @Test func `A secret is not handed over in start, but used in the template`() throws {
        let secret = #""parameters": { "key": { "secret": true, "env": "KEY" } }, "#
        let text = templated(
            #""k": { "default": "" }"#, #"{ "template": "rec", "parameters": { "k": "${key}" } }"#, graph: secret)
        let all = errors(text, environment: ["KEY": "hunter2"])
        #expect(all.hasPrefix("t.json:4:54: start of \"rec\": k cannot hold a secret"))
        #expect(!all.contains("hunter2"))
        let good = templated(#""k": { "default": "${key}" }"#, #"{ "template": "rec" }"#, name: "${k}", graph: secret)
        let plan = try load(good, environment: ["KEY": "hunter2"])
        #expect(try plan.templates["rec"]!.instance([:]).nodes[0].secrets == ["path"])
    }
}
