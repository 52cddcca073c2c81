import Testing

@testable @_spi(Host) import Sluice

/// Parameters of nodes that name a template.
@Suite struct StartedTemplateTests {
    private static let types = NodeTable([
        NodeSpec(
            descriptor: NodeDescriptor("desk", summary: "Starts a template for each caller"),
            parameters: [
                ParameterSpec(
                    "template", .string, default: .string(""), help: "for each caller",
                    template: TemplateUse(gives: ["name"]))
            ]), NodeSpec(descriptor: NodeDescriptor("idle", summary: "Does nothing")),
    ])

    private func errors(_ node: String, template: String) -> String {
        let text = """
            { "nodes": { "desk": { "type": "desk"\(node) } },
            "templates": { "caller": { \(template)"nodes": { "n": { "type": "idle" } } } } }
            """
        do {
            _ = try GraphLoader.load(Array(text.utf8), path: "t.json", catalog: Self.types, sources: ParameterSources())
            return ""
        } catch { return error.description }
    }

    private let named = #""parameters": { "name": {} }, "#

    @Test func `A template that is there and takes what it is given is right`() {
        #expect(errors(#", "template": "caller""#, template: named) == "")
        #expect(errors("", template: named) == "")
        #expect(errors(#", "template": """#, template: "") == "")
    }

    @Test func `A template that is not there is told with the one that was meant`() {
        #expect(
            errors(#", "template": "callers""#, template: named) == """
                t.json:1:52: node "desk": template: there is no template "callers".
                  Did you mean "caller"?
                """)
    }

    @Test func `A template that lacks what its starter gives is told`() {
        #expect(
            errors(#", "template": "caller""#, template: "") == """
                t.json:1:52: node "desk": desk gives each instance the parameter "name", \
                which template "caller" does not declare.
                  Add "parameters": { "name": {} } to the template.
                """)
    }

    @Test func `A template that needs more than its starter gives is told`() {
        #expect(
            errors(
                #", "template": "caller""#, template: #""parameters": { "name": {}, "port": { "type": "integer" } }, "#)
                    == """
                    t.json:1:52: node "desk": template "caller" needs the parameter "port", which desk does not give.
                      Add a "default" to it in the template.
                    """)
    }

    @Test func `The manifest keeps what a starter gives`() throws {
        let spec = try #require(Self.types.spec(for: "desk"))
        let manifest = PluginManifest(
            file: FileMark(size: 1, modified: 1), stamp: "s", libraries: [], types: [spec])
        let read = try #require(PluginManifest(JSONValue.parse(Array(manifest.text.utf8), file: "m")))
        #expect(read.types == [spec])
    }
}
