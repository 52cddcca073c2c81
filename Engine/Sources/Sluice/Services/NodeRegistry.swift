import Synchronization

/// The node types and services that plugins have registered. From any thread: a plugin that provides a service may come
/// in while instances are built.
public final class NodeRegistry: Sendable {
    let services = ServiceRegistry()
    private let state = Mutex(State())

    private struct State: Sendable {
        var types: [String: any Node.Type] = [:]
        var duplicates: [(type: String, plugin: String)] = []
        var currentPlugin = ""
    }

    /// An empty registry.
    public init() {}

    /// Types that were registered twice, with the plugin that came second; it is ignored.
    @_spi(Host) public var duplicates: [(type: String, plugin: String)] { state.withLock { $0.duplicates } }

    /// The plugin that is registering just now.
    @_spi(Host) public var currentPlugin: String {
        get { state.withLock { $0.currentPlugin } }
        set { state.withLock { $0.currentPlugin = newValue } }
    }

    /// A node type under the name in its descriptor. The first of a name wins; others are told in `list`.
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

    /// As `register`, of a service that only nodes know. `make` makes it when a node first asks, on that node's thread.
    /// `close` gives back what it holds. The last provider of a type wins.
    public func provide<Provided: Sendable>(
        _ type: Provided.Type, scope: ServiceDescriptor.Scope = .run, close: (@Sendable (Provided) -> Void)? = nil,
        _ make: @escaping @Sendable () throws -> Provided
    ) {
        services.provide(type, scope: scope, close: close, make)
    }

    /// A service that graphs can set up, which nodes ask for by its own type.
    public func provide<Provided: Service>(_ type: Provided.Type) { services.provide(type, as: type) }

    /// A service that graphs can set up, which nodes ask for by a protocol that it conforms to: `(any Ringing).self`.
    public func provide<Provided: Service, Face>(_ type: Provided.Type, as face: Face.Type) {
        services.provide(type, as: face)
    }

    @_spi(Host) public func type(named name: String) -> (any Node.Type)? { state.withLock { $0.types[name] } }
    @_spi(Host) public var typeNames: [String] { state.withLock { $0.types.keys.sorted() } }
}
