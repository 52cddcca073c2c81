import Glibc

/// Brings plugins into the process, each once, for good: a node's code may be in use until the process ends.
@_spi(Host) public final class PluginLoader: @unchecked Sendable {
    /// Nodes of several sessions may ask for services at once, each on its thread.
    private let lock = RecursiveLock()
    /// The plugins that were tried, and why each cannot be used; nil where it can.
    private var tried: [String: Unavailability?] = [:]

    public init() {}

    /// Loads the plugins of `types` and registers everything that they offer. Types that no plugin of the catalog
    /// offers are left to validation. A plugin that provides a service is loaded when a node first asks for it, or now
    /// if the service is named in `services`. Throws `NodeError` for a plugin that cannot be used.
    public func load(
        _ types: some Sequence<String>, services: some Sequence<String> = [String](), from catalog: PluginCatalog,
        into registry: NodeRegistry
    ) throws {
        let paths = types.compactMap(catalog.plugin(of:)) + services.compactMap(catalog.plugin(ofService:))
        for path in Set(paths).sorted() { try load(path, registry) }
        registry.services.onMissing = { [self, unowned registry] name in
            if let path = catalog.provider(ofService: name) { try load(path, registry) }
        }
    }

    private func load(_ path: String, _ registry: NodeRegistry) throws {
        let refusal = lock.withLock {
            if let known = tried[path] { return known }
            let refusal = PluginLoader.load(path, into: registry)
            tried[path] = .some(refusal)
            return refusal
        }
        guard let refusal else { return }
        throw NodeError("\(refusal.plugin): \(refusal.reason)", advice: refusal.advice, isInputError: true)
    }

    /// nil if all went well.
    static func load(_ path: String, into registry: NodeRegistry) -> Unavailability? {
        guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
            let reason = dlerror().map { String(cString: $0) } ?? "it cannot be loaded"
            return refusal(of: path, linkerSays: reason)
        }
        guard let symbol = dlsym(handle, "sluice_plugin") else {
            return Unavailability(
                plugin: path, reason: "it has no entry point \"sluice_plugin\"",
                advice: "Give it a function @_cdecl(\"sluice_plugin\") that calls Plugin.open.")
        }
        typealias EntryPoint = @convention(c) (UnsafeMutableRawPointer) -> Void
        registry.currentPlugin = path
        unsafeBitCast(symbol, to: EntryPoint.self)(Unmanaged.passUnretained(registry).toOpaque())
        registry.currentPlugin = ""
        return nil
    }

    /// The meaning of the dynamic linker's words for the plugin's user.
    static func refusal(of path: String, linkerSays words: String) -> Unavailability {
        if let stamp = SharedObject.stamp(inSymbol: words) {
            return .wrongEngine(plugin: path, stamp: stamp)
        }
        for sanitizer in SharedObject.Sanitizer.allCases
        where words.contains("undefined symbol: __\(sanitizer.prefix)san_") {
            return .wrongSanitizer(plugin: path, has: sanitizer)
        }
        if words.hasSuffix("cannot open shared object file: No such file or directory"),
            let name = words.split(separator: ":").first.map(String.init), name != path
        {
            let library = NeededLibrary(name: name, path: "", package: DebianPackages.conventionalName(of: name))
            return .missing([library], plugin: path)
        }
        let clause = words.hasPrefix(path + ": ") ? String(words.dropFirst(path.utf8.count + 2)) : words
        return Unavailability(plugin: path, reason: "it cannot be loaded: \(clause)")
    }
}

extension SharedObject.Sanitizer {
    fileprivate var prefix: String { self == .thread ? "t" : "a" }
}

extension Unavailability {
    static func wrongEngine(plugin: String, stamp: String) -> Unavailability {
        let mine = Plugin.engineStamp
        let isSameSource = stamp.prefix(16) == mine.prefix(16)
        let advice: String
        switch (isSameSource, mine.hasSuffix("_debug")) {
        case (true, false): advice = "Build it for release: swift build -c release."
        case (true, true): advice = "Build it for debugging: swift build."
        case (false, _): advice = "Build it again, with this engine as the dependency in its Package.swift."
        }
        return Unavailability(
            plugin: plugin, reason: "it was built against another Sluice engine (stamp \(stamp), this one is \(mine))",
            advice: advice)
    }

    static func wrongSanitizer(plugin: String, has sanitizer: SharedObject.Sanitizer?) -> Unavailability {
        let mine = SharedObject.Sanitizer.current
        func words(_ sanitizer: SharedObject.Sanitizer?) -> String {
            sanitizer.map { "with the \($0) sanitizer" } ?? "without sanitizer"
        }
        return Unavailability(
            plugin: plugin, reason: "it was built \(words(sanitizer)), this engine \(words(mine))",
            advice: "Build it the same way: swift build\(mine.map { " --sanitize=\($0)" } ?? "").")
    }

    static func missing(_ libraries: [NeededLibrary], plugin: String) -> Unavailability {
        let names = libraries.map(\.name)
        let packages = libraries.map(\.package).filter { !$0.isEmpty }
        return Unavailability(
            plugin: plugin,
            reason: names.joined(separator: " and ") + (names.count == 1 ? " is missing" : " are missing"),
            advice: packages.isEmpty
                ? "Install what provides it."
                : "Install it: apt-get install \(Set(packages).sorted().joined(separator: " ")).")
    }
}
