import Foundation
import TestSupport
import Testing

@testable @_spi(Host) import Sluice

@Suite struct CatalogTests {
    private static let benchTypes = [
        "bench-dump", "bench-guests", "bench-interrupter", "bench-log", "bench-pass", "bench-sleeper", "bench-slow",
        "bench-source", "bench-udp",
    ]

    private let scratch: Scratch
    private var directory: String { scratch.url.path }

    init() throws { scratch = try Scratch() }

    private func isLoaded(_ name: String) -> Bool {
        mappedFiles().contains("\(directory)/\(name)")
    }

    /// Puts other text of the same length into a copy of a plugin.
    private func patch(_ file: URL, _ old: String, _ new: String) throws {
        var data = try Data(contentsOf: file)
        while let range = data.range(of: Data(old.utf8)) { data.replaceSubrange(range, with: Data(new.utf8)) }
        try data.write(to: file)
    }

    @Test func aManifestSaysWhatThePluginSays() throws {
        let plugins = PluginFile.all(in: Built.directory.path)
        #expect(plugins.count >= 3)
        for path in plugins {
            #expect(PluginFile(path: path).writeManifest() == nil)
            let registry = NodeRegistry()
            #expect(PluginLoader.load(path, into: registry) == nil)
            let manifest = try #require(PluginManifest(besidePlugin: path))
            #expect(manifest.types == registry.typeNames.map { NodeSpec(of: registry.type(named: $0)!) })
            #expect(manifest.stamp == Plugin.engineStamp)
        }
    }

    @Test func withAManifestNothingIsLoaded() throws {
        _ = try scratch.copy("libBenchPlugin.so")
        try scratch.manifest(of: "Bench")
        #expect(
            PluginCatalog(directories: [directory]).types == CatalogTests.benchTypes)
        #expect(!isLoaded("libBenchPlugin.so"))
    }

    @Test func aPluginWithoutManifestIsLoadedOnceToLearnIt() throws {
        _ = try scratch.copy("libBenchPlugin.so")
        #expect(
            PluginCatalog(directories: [directory]).types == CatalogTests.benchTypes)
        #expect(isLoaded("libBenchPlugin.so"))
        #expect(FileManager.default.fileExists(atPath: directory + "/BenchPlugin.manifest.json"))
    }

    @Test(arguments: [
        "", "{", "[]", #"{"manifest": 1}"#, #"{"manifest": 99, "size": 1, "modified_ns": 1, "engine": ""}"#,
    ])
    func aBrokenOrStaleManifestIsWrittenAnew(text: String) throws {
        _ = try scratch.copy("libBenchPlugin.so")
        try scratch.write("BenchPlugin.manifest.json", text)
        #expect(
            PluginCatalog(directories: [directory]).types == CatalogTests.benchTypes)
        let manifest = try #require(PluginManifest(besidePlugin: directory + "/libBenchPlugin.so"))
        #expect(manifest.types.count == CatalogTests.benchTypes.count)
    }

    @Test func aManifestOfAnotherFileIsStale() throws {
        let plugin = try scratch.copy("libBenchPlugin.so")
        let path = plugin.path
        #expect(PluginFile(path: path).writeManifest() == nil)
        let real = try #require(PluginManifest(besidePlugin: path))
        var stale = real
        stale.types = []
        stale.file.modified -= 1
        try scratch.write("BenchPlugin.manifest.json", stale.text)
        #expect(PluginCatalog(directories: [directory]).types.count == CatalogTests.benchTypes.count)
        #expect(PluginManifest(besidePlugin: path) == real)
    }

    @Test func aPluginBuiltAgainstAnotherEngineIsRefusedInOneLine() throws {
        let plugin = try scratch.copy("libBenchPlugin.so")
        let mine = Plugin.engineStamp
        let stranger = "0123456789abcdef" + mine.dropFirst(16)
        try patch(plugin, "sluice_abi_" + mine, "sluice_abi_" + stranger)
        let catalog = PluginCatalog(directories: [directory])
        #expect(catalog.types == [])
        let refusal = try #require(catalog.refused.first)
        #expect(refusal.plugin == plugin.path)
        #expect(refusal.reason == "it was built against another Sluice engine (stamp \(stranger), this one is \(mine))")
        #expect(refusal.advice.hasPrefix("Build it again"))
        // The dynamic linker refuses it too: nothing of the plugin runs.
        #expect(PluginLoader.load(plugin.path, into: NodeRegistry()) == refusal)
    }

    @Test func aPluginOfTheSameSourcesInTheOtherConfigurationIsToldHowToBuildIt() {
        let mine = Plugin.engineStamp
        let other = mine.hasSuffix("_debug") ? String(mine.prefix(16)) : mine + "_debug"
        let advice = Unavailability.wrongEngine(plugin: "p", stamp: other).advice
        #expect(advice.contains(mine.hasSuffix("_debug") ? "swift build." : "swift build -c release."))
    }

    @Test func anotherSanitizerIsNamed() {
        let words = "/p/libXPlugin.so: undefined symbol: __tsan_func_entry"
        let refusal = PluginLoader.refusal(of: "/p/libXPlugin.so", linkerSays: words)
        #expect(refusal.reason.hasPrefix("it was built with the thread sanitizer, this engine"))
    }

    @Test func aMissingLibraryDisablesOnePluginAndNamesItsPackage() throws {
        let plugin = try scratch.copy("libBenchPlugin.so")
        #expect(PluginFile(path: plugin.path).writeManifest() == nil)
        var manifest = try #require(PluginManifest(besidePlugin: plugin.path))
        manifest.libraries = [
            NeededLibrary(name: "libnothere.so.3", path: "/nowhere/libnothere.so.3", package: "libnothere3")
        ]
        try scratch.write("BenchPlugin.manifest.json", manifest.text)
        let catalog = PluginCatalog(directories: [directory, Built.directory.path + "/none"])
        #expect(catalog.spec(for: "bench-source") == nil)
        #expect(catalog.unavailableTypes == CatalogTests.benchTypes)
        #expect(catalog.unavailableSpec(for: "bench-pass")?.inputs.count == 1)
        let reason = try #require(catalog.unavailability(of: "bench-source"))
        #expect(reason.reason == "libnothere.so.3 is missing")
        #expect(reason.advice == "Install it: apt-get install libnothere3.")
        // A second copy that can be used stands in.
        #expect(
            PluginCatalog(directories: [directory, Built.directory.path]).unavailability(of: "bench-source") == nil)
    }

    @Test func withoutManifestThePackageOfAMissingLibraryIsGuessedByDebiansRule() throws {
        let plugin = try scratch.copy("libVP8Plugin.so")
        try patch(plugin, "libvpx.so.7", "libvpx.so.0")
        let refusal = try #require(PluginCatalog(directories: [directory]).refused.first)
        #expect(refusal.reason == "libvpx.so.0 is missing")
        #expect(refusal.advice == "Install it: apt-get install libvpx0.")
        #expect(DebianPackages.conventionalName(of: "libsrtp2.so.1") == "libsrtp2-1")
        #expect(DebianPackages.conventionalName(of: "libx264.so.164") == "libx264-164")
    }

    @Test func theManifestKnowsTheDebianPackageOfEachLibrary() throws {
        #expect(PluginFile(path: Built.file("libVP8Plugin.so").path).writeManifest() == nil)
        let manifest = try #require(PluginManifest(besidePlugin: Built.file("libVP8Plugin.so").path))
        #expect(manifest.libraries.map(\.package) == ["libvpx7"])
    }

    @Test func aTypeThatTwoPluginsOfferIsTakenFromTheFirstAndSaidOnce() throws {
        let copy = try scratch.copy("libBenchPlugin.so")
        let catalog = PluginCatalog(directories: [Built.directory.path, Built.directory.path, directory])
        let first = Built.file("libBenchPlugin.so").path
        #expect(catalog.plugin(of: "bench-pass") == first)
        #expect(
            catalog.duplicates
                == CatalogTests.benchTypes.map {
                    "node type \"\($0)\" is in \(first) and again in \(copy.path); the first is used."
                })
    }

    @Test func onlyThePluginsThatAGraphNamesAreLoaded() throws {
        _ = try scratch.copy("libBenchPlugin.so")
        _ = try scratch.copy("libFlowPlugin.so")
        for name in ["Bench", "Flow"] { try scratch.manifest(of: name) }
        let catalog = PluginCatalog(directories: [directory])
        let registry = NodeRegistry()
        try PluginLoader().load(["null-sink"], from: catalog, into: registry)
        #expect(registry.type(named: "null-sink") != nil)
        #expect(registry.type(named: "bench-source") == nil)
        #expect(isLoaded("libFlowPlugin.so"))
        #expect(!isLoaded("libBenchPlugin.so"))
    }

    @Test func everyPluginNeedsTheEngineAndHoldsNone() throws {
        for path in PluginFile.all(in: Built.directory.path) {
            let object = try SharedObject(path: path)
            #expect(object.needed.contains("libSluice.so"), "\(path)")
            #expect(!object.holdsEngine, "\(path)")
            #expect(object.stamp == Plugin.engineStamp, "\(path)")
        }
    }
}

extension Scratch {
    /// A manifest for a copy that is as good as the one beside the original, without loading the copy.
    fileprivate func manifest(of name: String) throws {
        let original = Built.file("lib\(name)Plugin.so").path
        _ = PluginFile(path: original).writeManifest()
        var manifest = try #require(PluginManifest(besidePlugin: original))
        var status = stat()
        #expect(stat(url.path + "/lib\(name)Plugin.so", &status) == 0)
        manifest.file = FileMark(
            size: Int(status.st_size),
            modified: Int(status.st_mtim.tv_sec) * 1_000_000_000 + Int(status.st_mtim.tv_nsec))
        try write("\(name)Plugin.manifest.json", manifest.text)
    }
}
