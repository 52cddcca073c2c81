import Testing

@_spi(Host) @testable import Sluice

/// A host that stays checks graphs for as long as it runs.
@Suite("What checking a graph takes is given back") struct GivenBackTests {
    private final class Types: NodeCatalog {
        func spec(for type: String) -> NodeSpec? { catalog.spec(for: type) }
        var types: [String] { catalog.types }
        func unavailability(of type: String) -> Unavailability? { nil }
        func service(named name: String) -> ServiceSpec? { nil }
        var serviceNames: [String] { [] }
    }

    @Test(arguments: [
        #"{ "nodes": { "s": { "type": "microphone" }, "o": { "type": "null-sing" } }, "edges": [ "s -> o" ] }"#,
        #"{ "nodes": { "s": { "type": "microphone" }, "o": { "type": "null-sink" } }, "edges": [ "s.oud -> o.inn" ] }"#,
        #"{ "nodes": { "s": { "type": "microphone" }, "o": { "type": "null-sink" } }, "edges": [ "s -> o" ] }"#,
    ]) func refusedOrNot(_ text: String) {
        weak var held: Types?
        do {
            let types = Types()
            held = types
            _ = try? GraphLoader.load(
                Array(text.utf8), path: "t.json", catalog: types, sources: ParameterSources(missing: .isError))
        }
        #expect(held == nil)
    }
}
