/// The node types and services that plugins have registered.
public final class NodeRegistry {
    private var types: [String: any Node.Type] = [:]
    public let services = ServiceRegistry()
    /// Types that were registered twice, with the plugin that came second; it is ignored.
    public private(set) var duplicates: [(type: String, plugin: String)] = []
    /// The plugin that is registering just now.
    public var currentPlugin = ""

    public init() {}

    public func register(_ type: any Node.Type) {
        let name = type.descriptor.type
        guard types[name] == nil else {
            duplicates.append((name, currentPlugin))
            return
        }
        types[name] = type
    }

    public func type(named name: String) -> (any Node.Type)? { types[name] }
    public var typeNames: [String] { types.keys.sorted() }
}
