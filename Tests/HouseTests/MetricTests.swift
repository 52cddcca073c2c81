import Foundation
@_spi(Host) import Sluice
import TestSupport
import Testing

/// Everything that the shipped nodes count is declared, with a help text and a unit.
@Suite struct MetricTests {
    private static let plugins = Built.root.appending(path: "Plugins")
    private let catalog = PluginCatalog(directories: [Built.directory.path])

    @Test func everyMetricHasAHelpTextAndAUnit() {
        var count = 0
        for type in catalog.types {
            guard let spec = catalog.spec(for: type) else { continue }
            for metric in spec.metrics {
                count += 1
                let label = "\(type): \(metric.name)"
                #expect(metric.unit != nil, "\(label) is a \(metric.kind.rawValue) whose name tells no unit")
                #expect(metric.help.count > 8, "\(label): \"\(metric.help)\"")
                #expect(metric.name.allSatisfy { $0.isLowercase || $0.isNumber || $0 == "_" }, "\(label)")
            }
            let names = spec.metrics.map(\.name)
            #expect(Set(names).count == names.count, "\(type) declares a metric twice")
        }
        #expect(count > 100)
    }

    /// In the plugin's sources, so that one that is made only when something rare happens is found too.
    @Test func everyMetricThatAPluginMakesIsDeclaredByOneOfItsNodes() throws {
        let folders = try FileManager.default.contentsOfDirectory(
            at: Self.plugins, includingPropertiesForKeys: nil)
        var found = 0
        for folder in folders {
            let declared = Set(
                catalog.types.filter {
                    catalog.plugin(of: $0)?.hasSuffix("lib\(folder.lastPathComponent)Plugin.so") == true
                }
                .flatMap { catalog.spec(for: $0)?.metrics.map(\.name) ?? [] })
            for file in try Self.sources(in: folder) {
                for match in try String(contentsOf: file, encoding: .utf8).matches(
                    of: /context\.(?:counter|gauge|histogram)\("((?:[^"\\]|\\\([a-z]*\))*)"\)/)
                {
                    found += 1
                    let name = String(match.1)
                    // A part that depends on the stream is any word.
                    let parts = name.split(separator: /\\\([a-z]*\)/, omittingEmptySubsequences: false)
                    let isDeclared = declared.contains { Self.fits($0, parts.map(String.init)) }
                    #expect(isDeclared, "\(file.lastPathComponent) makes \"\(name)\", and no node declares it")
                }
            }
        }
        #expect(found > 60)
    }

    private static func fits(_ name: String, _ parts: [String]) -> Bool {
        guard parts.count > 1 else { return name == parts.first }
        return name.hasPrefix(parts[0]) && name.hasSuffix(parts[parts.count - 1])
    }

    private static func sources(in folder: URL) throws -> [URL] {
        let all = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
        return (all?.allObjects as? [URL] ?? []).filter { $0.pathExtension == "swift" }
    }
}
