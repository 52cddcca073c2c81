import Glibc

/// The node types of every plugin in a search path, known from manifests: nothing is loaded, except once a plugin that
/// has no manifest or another one than it was written for.
@_spi(Host) public struct PluginCatalog: NodeCatalog {
    private var specs: [String: NodeSpec] = [:]
    /// The file that offers a type.
    private var plugins: [String: String] = [:]
    /// The file that provides a service, by the full name of its type.
    private var providers: [String: String] = [:]
    /// Those that graphs set up, by name.
    private var services: [String: (spec: ServiceSpec, plugin: String)] = [:]
    private var unavailable: [String: (spec: NodeSpec, reason: Unavailability)] = [:]
    public private(set) var types: [String] = []
    /// Plugins that cannot be used, in the order of the search path.
    public private(set) var refused: [Unavailability] = []
    /// Those of them of which no type is known: any unknown type of a graph may be theirs.
    public var refusedUnseen: [Unavailability] {
        let seen = Set(unavailable.values.map(\.reason.plugin))
        return refused.filter { !seen.contains($0.plugin) }
    }
    /// One sentence for each type that two plugins offer.
    public private(set) var duplicates: [String] = []

    /// Plugins are the files `lib*Plugin.so` in `directories`; where two offer a type, the first is used. A directory
    /// that is named twice is looked at once, one that cannot be read holds none.
    public init(directories: [String]) {
        var seen: Set<String> = []
        for directory in directories where seen.insert(canonicalPath(directory)).inserted {
            for path in PluginFile.all(in: directory) { add(PluginFile(path: path).examine()) }
        }
        for type in specs.keys { unavailable[type] = nil }
        types = specs.keys.sorted()
    }

    private mutating func add(_ plugin: PluginFile.Examined) {
        if let reason = plugin.unavailability {
            refused.append(reason)
            for spec in plugin.types where unavailable[spec.type] == nil { unavailable[spec.type] = (spec, reason) }
            return
        }
        for service in plugin.services { add(service, of: plugin.path) }
        for spec in plugin.types {
            if let first = plugins[spec.type] {
                duplicates.append(
                    "node type \"\(spec.type)\" is in \(first) and again in \(plugin.path); the first is used.")
            } else {
                specs[spec.type] = spec
                plugins[spec.type] = plugin.path
            }
        }
    }

    private mutating func add(_ service: ServiceSpec, of path: String) {
        if providers[service.type] == nil { providers[service.type] = path }
        guard !service.name.isEmpty else { return }
        if let first = services[service.name]?.plugin {
            duplicates.append("service \"\(service.name)\" is in \(first) and again in \(path); the first is used.")
        } else {
            services[service.name] = (service, path)
        }
    }

    public func spec(for type: String) -> NodeSpec? { specs[type] }
    public func unavailability(of type: String) -> Unavailability? { unavailable[type]?.reason }
    /// The types that would be there if their plugins could be used.
    public var unavailableTypes: [String] { unavailable.keys.sorted() }
    /// The facts known of such a type.
    public func unavailableSpec(for type: String) -> NodeSpec? { unavailable[type]?.spec }
    public func service(named name: String) -> ServiceSpec? { services[name]?.spec }
    public var serviceNames: [String] { services.keys.sorted() }
    /// The file of the plugin that provides a service that graphs set up.
    public func plugin(ofService name: String) -> String? { services[name]?.plugin }
    /// The file of the plugin that provides a protocol, by the full name of its type.
    public func provider(ofService name: String) -> String? { providers[name] }
    /// The file of the plugin that offers a type.
    public func plugin(of type: String) -> String? { plugins[type] }
}

/// The path without links and detours; as given where there is no such file.
func canonicalPath(_ path: String) -> String {
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved)
}
