import Synchronization

/// The node types and services that plugins have registered. Registering is for one thread at a time; types are looked
/// up from any.
public final class NodeRegistry: @unchecked Sendable {
    private let types = Mutex<[String: any Node.Type]>([:])
    public let services = ServiceRegistry()
    /// Types that were registered twice, with the plugin that came second; it is ignored.
    public private(set) var duplicates: [(type: String, plugin: String)] = []
    /// The plugin that is registering just now.
    public var currentPlugin = ""

    public init() {}

    public func register(_ type: any Node.Type) {
        let name = type.descriptor.type
        let isNew = types.withLock { all in
            guard all[name] == nil else { return false }
            all[name] = type
            return true
        }
        if !isNew { duplicates.append((name, currentPlugin)) }
    }

    public func type(named name: String) -> (any Node.Type)? { types.withLock { $0[name] } }
    public var typeNames: [String] { types.withLock { $0.keys.sorted() } }
}
