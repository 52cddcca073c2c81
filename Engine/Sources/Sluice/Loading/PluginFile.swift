import CSys
import Glibc

/// A plugin in the file system, and what its manifest or its own tables say of it.
@_spi(Host) public struct PluginFile: Sendable {
    public let path: String

    public init(path: String) { self.path = path }

    /// The files `lib*Plugin.so` of a directory by name.
    public static func all(in directory: String) -> [String] {
        GraphFiles.system.list(directory).filter { $0.hasPrefix("lib") && $0.hasSuffix("Plugin.so") }.sorted()
            .map { directory.hasSuffix("/") ? directory + $0 : directory + "/" + $0 }
    }

    struct Examined {
        let path: String
        let types: [NodeSpec]
        var services: [ServiceSpec] = []
        /// Why it cannot be used; nil if it can.
        let unavailability: Unavailability?
    }

    /// Its types, from the manifest while that is the file's.
    func examine() -> Examined {
        let old = PluginManifest(besidePlugin: path)
        if let old, old.file == mark {
            return Examined(path: path, types: old.types, services: old.services, unavailability: refusal(old))
        }
        switch learn() {
        case .success(let manifest):
            write(manifest)
            return Examined(path: path, types: manifest.types, services: manifest.services, unavailability: nil)
        case .failure(let refusal):
            // The types that it offered before it changed are the best that is known.
            return Examined(path: path, types: old?.types ?? [], unavailability: refusal.unavailability)
        }
    }

    /// Loads the plugin and writes its manifest, unless that is there. nil if all went well.
    public func writeManifest() -> Unavailability? {
        if let manifest = PluginManifest(besidePlugin: path), manifest.file == mark { return refusal(manifest) }
        switch learn() {
        case .success(let manifest):
            if write(manifest) { return nil }
            return Unavailability(
                plugin: path, reason: "its manifest cannot be written: \(errorText(errno))",
                advice: "Make \(directoryName(of: path)) writable.")
        case .failure(let refusal): return refusal.unavailability
        }
    }

    private struct Refusal: Error { let unavailability: Unavailability }

    private var mark: FileMark? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return FileMark(
            size: status.st_size, modified: status.st_mtim.tv_sec &* 1_000_000_000 &+ status.st_mtim.tv_nsec)
    }

    private func refusal(_ manifest: PluginManifest) -> Unavailability? {
        if manifest.stamp != Plugin.engineStamp { return .wrongEngine(plugin: path, stamp: manifest.stamp) }
        let missing = manifest.libraries.filter(\.isMissing)
        return missing.isEmpty ? nil : .missing(missing, plugin: path)
    }

    /// Everything that can be known beforehand is checked before the plugin's code gets to run.
    private func learn() -> Result<PluginManifest, Refusal> {
        func refuse(_ unavailability: Unavailability) -> Result<PluginManifest, Refusal> {
            .failure(Refusal(unavailability: unavailability))
        }
        let object: SharedObject
        do { object = try SharedObject(path: path) } catch {
            return refuse(Unavailability(plugin: path, reason: error.reason))
        }
        guard let mark else { return refuse(Unavailability(plugin: path, reason: "it cannot be read")) }
        if object.holdsEngine {
            return refuse(
                Unavailability(
                    plugin: path, reason: "it holds an engine of its own",
                    advice: "Let its target depend on .product(name: \"Sluice\", package: \"Engine\")."))
        }
        if object.sanitizer != SharedObject.Sanitizer.current {
            return refuse(.wrongSanitizer(plugin: path, has: object.sanitizer))
        }
        guard let stamp = object.stamp else {
            return refuse(
                Unavailability(
                    plugin: path, reason: "it is no Sluice plugin: it does not call Plugin.open",
                    advice: "Give it a function @_cdecl(\"sluice_plugin\") that calls Plugin.open."))
        }
        if stamp != Plugin.engineStamp { return refuse(.wrongEngine(plugin: path, stamp: stamp)) }
        let libraries = NeededLibrary.all(of: object, at: path)
        let missing = libraries.filter(\.isMissing)
        if !missing.isEmpty { return refuse(.missing(missing, plugin: path)) }
        let registry = NodeRegistry()
        if let refusal = PluginLoader.load(path, into: registry) { return refuse(refusal) }
        for name in registry.typeNames {
            guard let misfit = registry.type(named: name).flatMap(NodeSpec.misfit) else { continue }
            return refuse(Unavailability(plugin: path, reason: "node type \"\(name)\": \(misfit)"))
        }
        let types = registry.typeNames.compactMap { registry.type(named: $0).map(NodeSpec.init(of:)) }
        for spec in types {
            guard let mistake = SpecCheck.mistake(in: spec) else { continue }
            return refuse(
                Unavailability(
                    plugin: path, reason: "node type \"\(spec.type)\": \(mistake)",
                    advice: "Mend what the type declares and build the plugin again."))
        }
        let manifest = PluginManifest(
            file: mark, stamp: stamp, libraries: libraries, types: types, services: registry.services.specs)
        return .success(manifest)
    }

    /// Whole or not at all: others may be reading. A directory that is not ours to write in does no harm.
    @discardableResult
    private func write(_ manifest: PluginManifest) -> Bool {
        let target = PluginManifest.path(besidePlugin: path)
        let draft = target + ".\(getpid())"
        guard let file = fopen(draft, "w") else { return false }
        let text = manifest.text
        let isWritten = fputs(text, file) >= 0
        if fclose(file) == 0 && isWritten && rename(draft, target) == 0 { return true }
        unlink(draft)
        return false
    }
}
