import Testing

@_spi(Host) @testable import Sluice

@Suite struct ParameterTests {
    /// A recorder whose parameters come from the graph's.
    private func recorder(_ parameters: String, node: String, more: String = "") -> String {
        """
        { "parameters": {
        \(parameters)
        }, "nodes": { "s": { "type": "microphone" },
        "tape": { "type": "record", "path": "x" }, "p": { "type": "pacer", \(node) } },
        "edges": [ "s -> p -> tape.audio" ]\(more) }
        """
    }

    private func pacer(_ parameters: String, _ node: String, set: [String: String] = [:]) throws -> [String:
        ParameterValue]
    {
        try load(recorder(parameters, node: node), set: set).root.nodes[2].parameters
    }

    @Test func `A value that is only a reference takes the declared type, others are text`() throws {
        #expect(try pacer(#""ms": { "default": 40 }"#, #""frame_ms": "${ms}""#) == ["frame_ms": .integer(40)])
        #expect(
            try pacer(#""ms": { "type": "integer" }"#, #""frame_ms": "${ms}""#, set: ["ms": "60"]) == [
                "frame_ms": .integer(60)
            ])
        let text = graph(
            nodes: #""s": { "type": "microphone" }, "tape": { "type": "record", "path": "$${a}/$x/${dir}/${n}.wav" }"#,
            edges: #""s -> tape.audio""#, more: #""parameters": { "dir": { "default": "d" }, "n": { "default": 3 } }"#)
        #expect(try load(text).root.nodes[1].parameters == ["path": .string("${a}/$x/d/3.wav")])
    }

    @Test func `A node is there only for the values of its when`() throws {
        let text = """
            { "parameters": { "kind": { "default": "file", "choices": ["file", "mic"] } },
            "nodes": { "f": { "type": "source", "open": "x", "when": { "kind": "file" } },
            "m": { "type": "microphone", "when": { "kind": ["mic"] } }, "g": { "type": "gain" },
            "end": { "type": "null-sink" } }, "edges": [ "f.audio -> g", "m -> g -> end" ] }
            """
        let file = try load(text)
        #expect(file.root.nodes.map(\.name) == ["f", "g", "end"] && file.root.edges.count == 2)
        let microphone = try load(text, set: ["kind": "mic"])
        #expect(microphone.root.nodes.map(\.name) == ["m", "g", "end"] && microphone.root.edges[0].from.node == "m")
        #expect(
            errors(text.replacing("\"when\": { \"kind\": \"file\" }", with: "\"when\": { \"kin\": 3 }")).hasPrefix(
                "t.json:2:60: node \"f\": when: the graph has no parameter \"kin\".\n  Did you mean \"kind\"?"))
        #expect(
            errors(text.replacing("\"when\": { \"kind\": \"file\" }", with: "\"when\": { \"kind\": 3 }")).hasPrefix(
                "t.json:2:68: node \"f\": when: kind takes one of \"file\", \"mic\", found a number."))
        #expect(
            errors(text.replacing("\"when\": { \"kind\": \"file\" }", with: "\"when\": 3")).hasPrefix(
                "t.json:2:58: node \"f\": when takes an object, found a number."))
    }

    @Test func `A when with not has the values for which a node is left out`() throws {
        let text = """
            { "parameters": { "input": {} }, "nodes": {
            "f": { "type": "source", "open": "${input}", "when": { "input": { "not": ["phone", "none"] } } },
            "m": { "type": "microphone", "when": { "input": "phone" } }, "g": { "type": "gain" },
            "end": { "type": "null-sink" } }, "edges": [ "f.audio -> g", "m -> g -> end" ] }
            """
        #expect(try load(text, set: ["input": "a.wav"]).root.nodes.map(\.name) == ["f", "g", "end"])
        #expect(try load(text, set: ["input": "phone"]).root.nodes.map(\.name) == ["m", "g", "end"])
        #expect(
            errors(text.replacing("[\"phone\", \"none\"]", with: "{}"), set: ["input": "a.wav"]).hasPrefix(
                "t.json:2:74: node \"f\": when: input takes a string, found an object."))
    }

    @Test func `Parameters of a group are written as an object`() throws {
        #expect(
            try pacer(
                #""ms": { "default": 4 }"#, #""bounds": { "least_ms": "${ms}", "most_ms": 7, "$comment": "x" }"#)
                == ["bounds.least_ms": .integer(4), "bounds.most_ms": .integer(7)])
    }

    @Test(arguments: [
        (
            #""ms": { "default": 5 }"#, #""bounds": { "least": 4 }"#, [:],
            """
            t.json:4:80: node "p": bounds has no key "least".
              Did you mean "least_ms"?
            """
        ),
        (
            #""ms": { "default": 5 }"#, #""bounds": 4"#, [:],
            """
            t.json:4:78: node "p": bounds takes an object, found a number.
              Write { "least_ms": … }.
            """
        ),
        (
            #""ms": { "default": 5 }"#, #""bounds": { "least_ms": 90 }"#, [:],
            #"t.json:4:92: node "p": bounds.least_ms takes 1 to 50, found 90."#
        ),
        (
            #""ms": { "default": 500 }"#, #""frame_ms": "${ms}""#, [:],
            #"t.json:4:80: node "p": frame_ms takes 5 to 120, found 500."#
        ),
        (
            #""ms": { "default": "x" }"#, #""frame_ms": "${ms}""#, [:],
            """
            t.json:4:80: node "p": frame_ms takes an integer, found "x".
              ${ms} is a string; give the parameter the "type" that is taken here.
            """
        ),
        (
            #""ms": { "default": 5 }"#, #""frame_ms": "${sm}""#, [:],
            """
            t.json:4:80: node "p": frame_ms: the graph has no parameter "sm".
              Did you mean "ms"?
            """
        ),
        (
            #""ms": { "default": 5 }"#, #""frame_ms": "${ms""#, [:],
            """
            t.json:4:80: node "p": frame_ms: a "${" is not closed.
              Add "}", or write "$${" for "${" itself.
            """
        ),
        (
            #""ms": { "default": 5 }"#, #""frame_ms": "20""#, [:],
            """
            t.json:4:80: node "p": frame_ms takes an integer, found the string "20".
              Write 20 without quotes.
            """
        ),
        (
            #""ms": { "default": 5 }"#, #""frame": 20"#, [:],
            """
            t.json:4:68: node "p": pacer has no parameter "frame".
              Did you mean "frame_ms"?
            """
        ),
        (
            #""ms": { "default": 5 }"#, #""frame_s": 20"#, [:],
            """
            t.json:4:68: node "p": pacer has no parameter "frame_s".
              Did you mean "frame_ms"?
            """
        ),
        (
            #""ms": { "default": 5 }"#, #""frame_ms": [20]"#, [:],
            #"t.json:4:80: node "p": frame_ms takes an integer, found an array."#
        ),
        (
            #""ms": { "default": 5 }"#, #""frame_ms": 20"#, ["ms": "abc"],
            #"--set ms=abc: "ms" takes an integer."#
        ),
        (
            #""ms": { "default": 5, "range": [1, 9] }"#, #""frame_ms": 20"#, ["ms": "10"],
            #"--set ms=10: "ms" takes 1 to 9."#
        ),
        (
            #""ms": { "default": 5 }"#, #""frame_ms": 20"#, ["sm": "hunter2"],
            "--set sm: the graph has no parameter \"sm\".\n  Did you mean \"ms\"?"
        ),
        (
            #""ms": { "type": "integer" }"#, #""frame_ms": "${ms}""#, [:],
            """
            t.json:2:1: parameter "ms" has no value.
              Give it with --set ms=…, or add a "default".
            """
        ),
        (
            #""ms": { "type": "int", "default": 5 }"#, #""frame_ms": 20"#, [:],
            """
            t.json:2:17: parameter "ms": there is no type "int".
              The types are: boolean, integer, number, string.
            """
        ),
        (
            #""ms": { "default": 50, "range": [1, 9] }"#, #""frame_ms": 20"#, [:],
            #"t.json:2:20: parameter "ms": "default" takes 1 to 9, found 50."#
        ),
        (
            #""ms": { "default": 5, "rnage": [1, 9] }"#, #""frame_ms": 20"#, [:],
            """
            t.json:2:23: parameter "ms" has no key "rnage".
              Did you mean "range"?
            """
        ),
        (
            #""ms": { "default": "c", "choices": ["a", "b"] }"#, #""frame_ms": 20"#, [:],
            #"t.json:2:20: parameter "ms": "default" takes one of "a", "b", found "c"."#
        ),
        (
            #""instance": { "default": 1 }"#, #""frame_ms": 20"#, [:],
            """
            t.json:2:1: the parameter "instance" cannot be declared: it is the number of a template's instance.
              Choose another name.
            """
        ),
    ])
    func `A wrong parameter says what is taken`(
        parameters: String, node: String, set: [String: String], expected: String
    ) {
        #expect(errors(recorder(parameters, node: node), set: set) == expected)
    }

    @Test func `What is missing may be left open for validate and draw`() throws {
        let text = recorder(#""ms": { "type": "integer" }"#, node: #""frame_ms": "${ms}""#)
        #expect(try load(text, missing: .isOpen).root.nodes[2].parameters.isEmpty)
        let wrong = recorder(#""ms": {}"#, node: #""frame_ms": "${ms}""#)
        #expect(
            errors(wrong, missing: .isOpen) == """
                t.json:4:80: node "p": frame_ms takes an integer, and ${ms} is a string.
                  Give the parameter the "type" that is taken here.
                """)
    }
}

@Suite struct SecretTests {
    private let secret = "hunter2-äöü"
    private func text(_ node: String, declaration: String = #""env": "KEY", "default": """#, edge: String = "")
        -> String
    {
        """
        { "parameters": { "key": { "secret": true, \(declaration) } },
          "nodes": { "s": { "type": "microphone" }, "tape": { "type": "record", \(node) } },
          "edges": [ { "from": "s", "to": "tape.audio"\(edge) } ] }
        """
    }
    private let node = #""path": "x", "password": "${key}""#

    @Test func `A secret comes from the environment, a file or its default, in this order`() throws {
        func password(_ environment: [String: String], _ files: [String: String], _ declaration: String) throws
            -> ParameterValue?
        {
            try load(text(node, declaration: declaration), environment: environment, files: files).root.nodes[1]
                .parameters["password"]
        }
        let all = #""env": "KEY", "file": "/run/key", "default": """#
        #expect(try password(["KEY": "a", "KEY_FILE": "/f"], ["/f": "b\n", "/run/key": "c"], all) == .string("a"))
        #expect(try password(["KEY_FILE": "/f"], ["/f": "b\n", "/run/key": "c"], all) == .string("b"))
        #expect(try password([:], ["/run/key": "c\r\n"], all) == .string("c"))
        #expect(try password([:], [:], all) == .string(""))
        let plan = try load(text(node), environment: ["KEY": secret])
        #expect(plan.root.nodes[1].secrets == ["password"])
    }

    @Test func `A secret that is set on the command line is refused with advice and not repeated`() {
        #expect(
            errors(text(node), set: ["key": secret]) == """
                --set key: "key" is a secret, and every process can read arguments.
                  Set KEY in the environment, or KEY_FILE to the path of a file that holds it.
                """)
    }

    @Test func `A secret never appears in a message, whatever is wrong with it`() {
        for node in [
            #""path": "x", "password": "${key}", "passwrd": "${key}""#, #""path": "x", "lane": "${key}""#,
            #""path": "x", "on_error": "${key}""#, #""path": "x", "password": "a${key}b${nokey}""#,
        ] {
            for declaration in [
                #""env": "KEY""#, #""env": "KEY", "type": "integer""#, #""env": "KEY", "choices": ["a"]"#,
                #""file": "/f""#, #""env": "KEY", "default": "\#(secret)""#,
            ] {
                for edge in ["", #", "overflow": "${key}""#, #", "capacity": { "ms": "${key}" }"#] {
                    let all = errors(
                        text(node, declaration: declaration, edge: edge), environment: ["KEY": secret],
                        files: ["/f": secret])
                    #expect(!all.isEmpty || node.contains("lane") == false)
                    #expect(!all.contains("hunter2"))
                }
            }
        }
    }

    @Test func `A secret stands only in a parameter of a node`() {
        #expect(
            errors(text(#""path": "x", "lane": "${key}""#), environment: ["KEY": secret]) == """
                t.json:2:94: node "tape": lane cannot hold a secret: it is shown in reports and drawings.
                  A secret may stand only in a parameter of a node or in a setting of a service.
                """)
    }

    @Test func `A secret says where it comes from, and has no default that others can read`() throws {
        #expect(
            errors(text(node, declaration: #""help": "h""#)).hasPrefix(
                """
                t.json:1:19: parameter "key" is a secret and says nowhere where it comes from.
                  Add "env": "NAME" or "file": "/path".
                """))
        let plan = try load(text(node, declaration: #""env": "KEY", "default": "hunter2""#))
        #expect(
            plan.warnings.map(\.description) == [
                """
                t.json:1:69: warning: parameter "key": the default of a secret can be read by all who can read this \
                file.
                  Use "default": "" and the environment.
                """
            ])
    }
}
