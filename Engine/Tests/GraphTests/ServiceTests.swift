import Testing

@testable @_spi(Host) import Sluice

@Suite struct ServiceTests {
    private func serving(_ services: String) -> String {
        """
        { "parameters": { "token": { "secret": true, "env": "TOKEN" }, "port": { "type": "integer", "default": 9 } },
          "nodes": { "m": { "type": "microphone" }, "s": { "type": "null-sink" } }, "edges": [ "m -> s" ],
          "services": {
        \(services)
        } }
        """
    }

    @Test func `Settings reach the plan with their types, in the order of the file, and secrets are marked`() throws {
        let plan = try load(
            serving(
                #"""
                "clock": {}, "http": { "listen": "127.0.0.1:${port}", "token": "${token}", \#
                "limits": { "callers": 5 }, "$comment": "x" }
                """#
            ),
            environment: ["TOKEN": "hunter2"])
        #expect(plan.services.map(\.spec.name) == ["clock", "http"])
        #expect(
            plan.services[1].settings == [
                "listen": .string("127.0.0.1:9"), "token": .string("hunter2"), "limits.callers": .integer(5),
            ])
        #expect(plan.services[1].secrets == ["token"])
        let said = GraphDrawing.Format.allCases.map { GraphDrawing(plan).text($0) }
        #expect(said.allSatisfy { !$0.contains("hunter2") })
    }

    @Test func `A service is set up only for the values of its when`() throws {
        let text = serving(#""clock": { "when": { "port": { "not": 9 } } }"#)
        #expect(try load(text, environment: ["TOKEN": "x"]).services.isEmpty)
        #expect(try load(text, set: ["port": "8"], environment: ["TOKEN": "x"]).services.map(\.spec.name) == ["clock"])
    }

    @Test(arguments: [
        (
            #""htpp": { "token": "x" }"#,
            """
            t.json:4:1: there is no service "htpp".
              Did you mean "http"?
            """
        ),
        (
            #""http": {}"#,
            """
            t.json:4:1: service "http": http needs the setting "token".
              Add it. The token that callers must show.
            """
        ),
        (
            #""http": { "token": "x", "lisen": "y" }"#,
            """
            t.json:4:25: service "http": http has no setting "lisen".
              Did you mean "listen"?
            """
        ),
        (
            #""http": { "token": 7, "limits": { "callers": 5000 } }"#,
            """
            t.json:4:20: service "http": token takes a string, found 7.
              Write "7".
            t.json:4:46: service "http": limits.callers takes 1 to 1000, found 5000.
            """
        ),
        (
            #""http": { "token": "x", "limits": { "guests": 5 } }"#,
            """
            t.json:4:37: service "http": limits has no key "guests".
              Its keys are: callers.
            """
        ),
        (
            #""http": "127.0.0.1:80""#,
            """
            t.json:4:9: service "http" takes an object, found a string.
              Write { … }.
            """
        ),
    ])
    func `A wrong service says what is wrong and what to do`(services: String, expected: String) {
        #expect(errors(serving(services), environment: ["TOKEN": "t"]) == expected)
    }

    @Test func `A template has no services of its own, and a catalog without any says so`() throws {
        let text = """
            { "nodes": { "m": { "type": "microphone" }, "s": { "type": "null-sink" } }, "edges": [ "m -> s" ],
              "templates": { "t": { "nodes": { "n": { "type": "whep-host" } }, "services": { "clock": {} } } }, \
            "start": [ { "template": "t" } ] }
            """
        #expect(errors(text).contains(#"template "t": services are the whole graph's."#))
        let bag = DiagnosticBag(file: "t.json")
        let planner = ServicePlanner(catalog: NodeTable([]), scope: ParameterScope(), bag: bag)
        let position = SourcePosition(line: 1, column: 1)
        #expect(planner.plan(ServiceDocument(name: "clock", position: position, settings: [])) == nil)
        let error = #expect(throws: GraphError.self) { try bag.throwIfFailed() }
        #expect("\(String(describing: error))".contains("No plugin that was found provides a service"))
    }

    @Test func `The schema completes services and their settings`() {
        let services = GraphSchema(catalog).json["properties"]?["services"]
        #expect(services?["additionalProperties"] == false)
        let http = services?["properties"]?["http"]
        #expect(http?["description"] == "One port for all" && http?["required"] == ["token"])
        #expect(http?["properties"]?["listen"]?["default"] == "127.0.0.1:8080")
        #expect(http?["properties"]?["limits"]?["properties"]?["callers"] != nil)
        #expect(services?["properties"]?["clock"] != nil)
    }
}
