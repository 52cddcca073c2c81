import Testing

@_spi(Host) @testable import Sluice

@Suite struct NodeErrorTests {
    private func one(_ node: String) -> String {
        errors(graph(nodes: "\"s\": { \"type\": \"microphone\" }, \(node)", edges: "\"s -> n\""))
    }

    @Test(arguments: [
        (
            #""n": { "type": "nul-sink" }"#,
            """
            t.json:2:47: node "n": there is no node type "nul-sink".
              Did you mean "null-sink"?
            """
        ),
        (
            #""n": { "type": "teleporter" }"#,
            """
            t.json:2:47: node "n": there is no node type "teleporter".
              "sluice list" shows the types and the plugins that were found.
            """
        ),
        (
            #""n": { "type": "srt-sink" }"#,
            """
            t.json:2:47: node "n": the plugin SRT that has the type "srt-sink" cannot be used: libsrt-gnutls.so.1.5 \
            cannot be opened.
              Install libsrt1.5-gnutls.
            """
        ),
        (
            #""n": { "summary": "x" }"#,
            """
            t.json:2:32: node "n" has no type.
              Add "type"; "sluice list" shows them.
            """
        ),
        (#""n": { "type": 3 }"#, "t.json:2:47: node \"n\": \"type\" takes a string, found a number."),
        (#""n": []"#, "t.json:2:37: node \"n\" takes an object, found an array.\n  Write { … }."),
        (
            #""n": { "type": "null-sink", "loop": 1 }"#,
            """
            t.json:2:60: node "n": null-sink has no parameter "loop".
              It has none.
            """
        ),
        (
            #""n": { "type": "null-sink", "on_error": "ignore" }"#,
            #"t.json:2:72: node "n": on_error takes one of "fail", "restart", found "ignore"."#
        ),
        (
            #""n": { "type": "null-sink" }, "Rec": { "type": "null-sink" }"#,
            """
            t.json:2:62: "Rec" cannot be the name of a node.
              Begin with a lower-case letter; letters, digits, "_" and "-" may follow, at most 64.
            t.json:2:62: node "Rec": no edge feeds its input Rec.in.
              Add "… -> Rec.in"; it takes any media.
            """
        ),
        (
            #""n": { "type": "null-sink" }, "t": { "type": "record" }"#,
            """
            t.json:2:62: node "t": record needs the parameter "path".
              Add it. The file that is written.
            """
        ),
        (
            #""n": { "type": "null-sink" }, "n": { "type": "null-sink" }"#,
            """
            t.json:2:62: the key "n" is given twice; the first is in line 2.
              Remove or rename one of them.
            """
        ),
        (
            #""n": { "type": "null-sink" }, "v": { "type": "source", "open": "x", "loop": "forver" }"#,
            """
            t.json:2:108: node "v": loop takes one of "no", "once", "forever", found "forver".
              Did you mean "forever"?
            """
        ),
    ])
    func `A wrong node says what is wrong and what to do`(node: String, expected: String) {
        #expect(one(node) == expected)
    }

    @Test func `Independent errors are told together, at most 20, in file order`() {
        let text = """
            { "nodes": {
                "a": { "type": "microphne" },
                "b": { "type": "pacer", "frame_ms": 1 },
                "c": { "type": "null-sink", "x": 1 } },
              "edges": [ "b -> c", "q -> c" ],
              "strat": [] }
            """
        #expect(
            errors(text, set: ["z": "1"]) == """
                --set z: the graph has no parameter "z".
                  It declares none.
                t.json:2:20: node "a": there is no node type "microphne".
                  Did you mean "microphone"?
                t.json:3:41: node "b": frame_ms takes 5 to 120, found 1.
                t.json:4:33: node "c": null-sink has no parameter "x".
                  It has none.
                t.json:5:24: edge "q -> c": there is no node "q".
                  The nodes are: a, b, c.
                t.json:6:3: the graph has no key "strat".
                  Did you mean "start"?
                """)
        let many = (1...25).map { "\"n\($0)\": { \"type\": \"x\" }" }.joined(separator: ",\n")
        let lines = errors(graph(nodes: many, edges: "")).split(separator: "\n")
        #expect(lines.count { $0.hasPrefix("t.json:") } == 20)
        #expect(lines.last == "... and 5 more.")
        #expect(lines.first?.hasPrefix("t.json:2:") == true)
    }

    @Test func `A comment may stand in any object`() {
        let text = """
            { "$comment": "x", "$schema": "./s.json", "parameters": { "$comment": 1, "p": { "$comment": [], \
            "default": 1 } },
              "nodes": { "$comment": {}, "s": { "$comment": "y", "type": "microphone" }, "o": { "type": "null-sink" } },
              "edges": [ { "$comment": "z", "from": "s", "to": "o", "capacity": { "$comment": 1, "ms": 5 } } ],
              "templates": { "$comment": null, "t": { "$comment": 1, "nodes": { "e": { "type": "whep-host" } } } },
              "start": [ { "$comment": 1, "template": "t", "parameters": { "$comment": 1 } } ] }
            """
        #expect(errors(text) == "")
    }

    @Test(arguments: [
        ("[]", "t.json:1:1: this is not a graph: a graph is a JSON object and begins with \"{\"."),
        ("root:x:0:0:root:/root", "t.json:1:1: this is not a graph: a graph is a JSON object and begins with \"{\"."),
        (
            "",
            """
            t.json:1:1: the file is empty; a graph is a JSON object.
              Begin with { "nodes": { … }, "edges": [ … ] }.
            """
        ),
        ("{}", "t.json:1:1: the graph has no nodes.\n  Add \"nodes\": { \"name\": { \"type\": \"…\" } }."),
        (#"{ "nodes": [] }"#, "t.json:1:12: \"nodes\" takes an object, found an array.\n  Write { … }."),
    ])
    func `What is no graph is told in one line that shows nothing of it`(text: String, expected: String) {
        #expect(errors(text) == expected)
    }

    @Test func `Control characters of a file do not reach the terminal`() {
        let all = errors(graph(nodes: #""s": { "type": "microphone" }"#, edges: #""s -> \u001b[2Jx""#))
        #expect(all == "t.json:4:1: edge \"s -> \u{FFFD}[2Jx\": there is no node \"\\u001b[2Jx\".\n  The nodes are: s.")
    }

    @Test func `A lane's name counts inside templates too`() throws {
        let text = """
            { "nodes": { "s": { "type": "microphone" }, "p": { "type": "pacer", "lane": "l" }, \
            "relay": { "type": "relay" } },
              "edges": [ "s -> p -> relay" ],
              "templates": { "t": { "nodes": { "tape": { "type": "record", "path": "x", "lane": "l" } },
                "edges": [ "$parent.relay -> tape.audio" ] } }, "start": [ { "template": "t" } ] }
            """
        #expect(
            try load(text).warnings.map(\.description) == [
                """
                t.json:3:36: warning: lane "l": p keeps time and shares the lane with tape, whose work is blocking.
                  Give tape a lane of its own, or leave "lane" out.
                """
            ])
    }

    @Test func `A paced node that shares its lane with heavy work warns`() throws {
        let nodes = #"""
            "s": { "type": "microphone" }, "p": { "type": "pacer", "lane": "main" }, "o": { "type": "null-sink" },
            "tape": { "type": "record", "path": "x", "lane": "main" }
            """#
        let plan = try load(
            graph(nodes: nodes, edges: #""s -> p -> tape.audio""#).replacing(
                #", "o": { "type": "null-sink" }"#, with: ""))
        #expect(
            plan.warnings.map(\.description) == [
                """
                t.json:2:32: warning: lane "main": p keeps time and shares the lane with tape, whose work is blocking.
                  Give tape a lane of its own, or leave "lane" out.
                """
            ])
    }
}
