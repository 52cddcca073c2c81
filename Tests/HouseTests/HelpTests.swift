import Foundation
@_spi(Host) import Sluice
import TestSupport
import Testing

/// The help of everything that users set and read is a whole sentence: of nodes, services and graphs.
@Suite struct HelpTests {
    private let catalog = PluginCatalog(directories: [Built.directory.path])

    @Test func theHelpOfEveryNodeIsSentences() {
        var helps: [(String, String)] = []
        for spec in catalog.types.compactMap(catalog.spec(for:)) {
            helps += spec.parameters.map { ("\(spec.type): \($0.name)", $0.help) }
            helps += spec.metrics.map { ("\(spec.type): \($0.name)", $0.help) }
            for control in spec.controlInputs + spec.controlOutputs {
                helps.append(("\(spec.type): \(control.name)", control.help))
                helps += control.fields.map { ("\(spec.type): \(control.name).\($0.name)", $0.help) }
            }
            for schema in (spec.inputs + spec.outputs).flatMap(\.formats.patterns).flatMap({ $0.schemas ?? [] }) {
                helps += schema.fields.map { ("\(spec.type): \(schema.name).\($0.name)", $0.help) }
            }
        }
        #expect(helps.count > 300)
        #expect(Self.unfit(helps) == [])
    }

    @Test func theHelpOfEveryServiceIsSentences() {
        let helps = catalog.serviceNames.compactMap(catalog.service(named:)).flatMap { service in
            service.settings.map { ("\(service.name): \($0.name)", $0.help) }
        }
        #expect(Self.unfit(helps) == [])
    }

    @Test func theHelpOfEveryGraphsParametersIsSentences() throws {
        var helps: [(String, String)] = []
        for file in try FileManager.default.contentsOfDirectory(
            at: Built.root.appending(path: "graphs"), includingPropertiesForKeys: nil)
        where file.pathExtension == "json" && file.lastPathComponent != "graph.schema.json" {
            let graph = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any] ?? [:]
            let templates = (graph["templates"] as? [String: [String: Any]] ?? [:]).values
            for part in [graph] + templates {
                for (name, parameter) in part["parameters"] as? [String: [String: Any]] ?? [:] {
                    helps.append(("\(file.lastPathComponent): \(name)", parameter["help"] as? String ?? ""))
                }
            }
        }
        #expect(helps.count > 90)
        #expect(Self.unfit(helps) == [])
    }

    @Test(arguments: [
        ("The bitrate in kb/s.", true), ("0 never ends it.", true), ("'tone' or a file.", true), ("", false),
        ("of the text", false), ("the bitrate in kb/s.", false), ("The bitrate in kb/s", false),
        ("The stream. What is left is lost.", false), (String(repeating: "A long word. ", count: 15) + "End.", false),
    ])
    func aSentenceIsTold(help: String, isFit: Bool) {
        #expect(Self.isFit(help) == isFit)
    }

    private static func unfit(_ helps: [(label: String, help: String)]) -> [String] {
        helps.filter { !isFit($0.help) }.map { "\($0.label): \"\($0.help)\"" }
    }

    /// Begins with a capital letter, a number or a quoted word, ends with a full stop, and fits in a table.
    private static func isFit(_ help: String) -> Bool {
        guard let first = help.first, first.isUppercase || first.isNumber || "'\"".contains(first) else { return false }
        return help.hasSuffix(".") && help.count <= 170 && !help.contains(#/(^|\. )(What|Who|Whoever) /#)
    }
}
