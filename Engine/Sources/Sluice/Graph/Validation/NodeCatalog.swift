/// The node types that a graph may use: what validation, schema and drawing know of plugins.
@_spi(Host) public protocol NodeCatalog: Sendable {
    /// nil for a type that no plugin offers, or whose plugin cannot be used.
    func spec(for type: String) -> NodeSpec?
    /// Every type that `spec(for:)` knows.
    var types: [String] { get }
    /// Why a type that a manifest names cannot be used; nil for other types.
    func unavailability(of type: String) -> Unavailability?
    /// nil for a service that no plugin provides, or that no graph sets up.
    func service(named name: String) -> ServiceSpec?
    /// Every service that `service(named:)` knows, by name.
    var serviceNames: [String] { get }
}

@_spi(Host) extension NodeCatalog {
    public func unavailability(of type: String) -> Unavailability? { nil }
    public func service(named name: String) -> ServiceSpec? { nil }
    public var serviceNames: [String] { [] }
}

/// Why the types of a plugin cannot be used.
@_spi(Host) public struct Unavailability: Equatable, Sendable {
    public var plugin: String
    /// A clause without a full stop: `libvpx.so.7 is missing`.
    public var reason: String
    /// The advice, one sentence; may be empty.
    public var advice: String

    public init(plugin: String, reason: String, advice: String = "") {
        self.plugin = plugin
        self.reason = reason
        self.advice = advice
    }
}

/// A catalog from a list.
@_spi(Host) public struct NodeTable: NodeCatalog {
    private var specs: [String: NodeSpec]
    private var unavailable: [String: Unavailability]
    private var services: [String: ServiceSpec]
    public let types: [String]

    public init(
        _ specs: [NodeSpec], unavailable: [String: Unavailability] = [:], services: [ServiceSpec] = []
    ) {
        self.services = Dictionary(services.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        self.specs = Dictionary(specs.map { ($0.type, $0) }, uniquingKeysWith: { first, _ in first })
        self.unavailable = unavailable
        types = self.specs.keys.sorted()
    }

    public func spec(for type: String) -> NodeSpec? { specs[type] }
    public func unavailability(of type: String) -> Unavailability? { unavailable[type] }
    public func service(named name: String) -> ServiceSpec? { services[name] }
    public var serviceNames: [String] { services.keys.sorted() }
}
