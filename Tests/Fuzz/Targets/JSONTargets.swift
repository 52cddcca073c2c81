import FlowPlugin
import PacerPlugin
import RTPPlugin
import SRTPlugin
import SegmentsPlugin

@testable @_spi(Host) import Sluice

let jsonTargets = [
    FuzzTarget("graph", "A graph file: read, validated, planned, drawn", run: graph),
    FuzzTarget("json", "Any JSON: what is read and written again reads the same", run: json),
    FuzzTarget("manifest", "The manifest beside a plugin", longest: 16_384, run: manifest),
]

/// Node types of several plugins, with every kind of port, parameter and control.
private let catalog: NodeTable = {
    let registry = NodeRegistry()
    let types: [any Node.Type] = [
        AVSegments.self, Meter.self, NullSink.self, Pacer.self, RTPInput.self, RTPOutput.self, Relay.self,
        SRTInput.self, SRTOutput.self,
    ]
    for type in types { registry.register(type) }
    return NodeTable(types.map { NodeSpec(of: $0) })
}()

private func graph(_ bytes: UnsafeRawBufferPointer) {
    let sources = ParameterSources(
        overrides: [:], environment: { _ in nil }, readFile: { _ in throw FileProblem("there is none") },
        missing: .isOpen)
    do {
        let plan = try GraphLoader.load(Array(bytes), path: "g.json", catalog: catalog, sources: sources)
        for format in GraphDrawing.Format.allCases { _ = GraphDrawing(plan).text(format) }
    } catch {
        mustHold(!error.diagnostics.isEmpty && error.diagnostics.count <= 21, "1 to 21 diagnostics")
        for diagnostic in error.diagnostics {
            let text = diagnostic.description
            mustHold(!text.utf8.contains { $0 < 0x20 && $0 != 0x0A }, "a message has no control characters: \(text)")
        }
    }
}

private func json(_ bytes: UnsafeRawBufferPointer) {
    guard let value = try? JSONValue.parse(Array(bytes), file: "f.json") else { return }
    var writer = JSONValue.Writer()
    write(value, &writer)
    do {
        let again = try JSONValue.parse(Array(writer.text.utf8), file: "f.json")
        mustHold(isEqual(value, again), "written and read again: \(writer.text)")
    } catch { mustHold(false, "what is written can be read: \(writer.text): \(error)") }
}

private func manifest(_ bytes: UnsafeRawBufferPointer) {
    guard let value = try? JSONValue.parse(Array(bytes), file: "m.json"), let manifest = PluginManifest(value) else {
        return
    }
    do {
        let again = PluginManifest(try JSONValue.parse(Array(manifest.text.utf8), file: "m.json"))
        mustHold(again == manifest, "written and read again: \(manifest.text)")
    } catch { mustHold(false, "what is written can be read: \(manifest.text): \(error)") }
    // As a catalog it answers for graphs.
    _ = try? GraphLoader.load(
        Array(#"{"nodes":{"a":{"type":"a"},"b":{"type":"b"}},"edges":["a->b"]}"#.utf8), path: "g.json",
        catalog: NodeTable(manifest.types), sources: ParameterSources())
}

private func write(_ value: JSONValue, _ writer: inout JSONValue.Writer) {
    switch value.kind {
    case .null: writer.raw("null")
    case .boolean(let flag): writer.raw(flag ? "true" : "false")
    case .integer(let number): writer.raw("\(number)")
    case .number(let number): writer.raw("\(number)")
    case .string(let text): writer.quote(text)
    case .array(let elements):
        writer.array { array in for element in elements { array.element { write(element, &$0) } } }
    case .object(let members):
        writer.object { object in for member in members { object.key(member.key) { write(member.value, &$0) } } }
    }
}

/// By bytes: Swift's strings are equal where their characters are.
private func isEqual(_ a: JSONValue, _ b: JSONValue) -> Bool {
    switch (a.kind, b.kind) {
    case (.string(let a), .string(let b)): a.utf8.elementsEqual(b.utf8)
    case (.array(let a), .array(let b)): a.count == b.count && zip(a, b).allSatisfy(isEqual)
    case (.object(let a), .object(let b)):
        a.count == b.count
            && zip(a, b).allSatisfy { $0.key.utf8.elementsEqual($1.key.utf8) && isEqual($0.value, $1.value) }
    default: a == b
    }
}
