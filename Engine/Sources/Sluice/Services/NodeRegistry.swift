import Synchronization

/// The node types and services that plugins have registered. From any thread: a plugin that provides a service may come
/// in while instances are built.
public final class NodeRegistry: Sendable {
    public let services = ServiceRegistry()
    private let state = Mutex(State())

    private struct State: Sendable {
        var types: [String: any Node.Type] = [:]
        var duplicates: [(type: String, plugin: String)] = []
        var currentPlugin = ""
    }

    public init() {}

    /// Types that were registered twice, with the plugin that came second; it is ignored.
    public var duplicates: [(type: String, plugin: String)] { state.withLock { $0.duplicates } }

    /// The plugin that is registering just now.
    public var currentPlugin: String {
        get { state.withLock { $0.currentPlugin } }
        set { state.withLock { $0.currentPlugin = newValue } }
    }

    public func register(_ type: any Node.Type) {
        let name = type.descriptor.type
        state.withLock { state in
            guard state.types[name] == nil else {
                state.duplicates.append((name, state.currentPlugin))
                return
            }
            state.types[name] = type
        }
    }

    public func type(named name: String) -> (any Node.Type)? { state.withLock { $0.types[name] } }
    public var typeNames: [String] { state.withLock { $0.types.keys.sorted() } }
}
