import Synchronization

/// How the services are made that plugins provide. Instances are in `ServiceStore`s.
final class ServiceRegistry: @unchecked Sendable {
    private let state = Mutex<State>(State())
    /// Brings in the plugin that provides the protocol of this full name, if there is one.
    var onMissing: (@Sendable (_ name: String) throws -> Void)? {
        get { state.withLock { $0.onMissing } }
        set { state.withLock { $0.onMissing = newValue } }
    }

    private struct State {
        var providers: [ObjectIdentifier: ServiceProvider] = [:]
        /// In the order in which they came.
        var specs: [ServiceSpec] = []
        var onMissing: (@Sendable (_ name: String) throws -> Void)?
    }

    init() {}

    /// A service that only nodes know, made by `make` when it is first asked for. `close` gives back what it holds. The
    /// last provider of a type wins.
    func provide<Provided: Sendable>(
        _ type: Provided.Type, scope: ServiceDescriptor.Scope = .run, close: (@Sendable (Provided) -> Void)? = nil,
        _ make: @escaping @Sendable () throws -> Provided
    ) {
        let spec = ServiceSpec(type: String(reflecting: type), scope: scope)
        add(type, spec) { (_: ServiceContext, _: [String: ParameterValue]) throws -> MadeService in
            let made = try make()
            guard let close else { return MadeService(instance: made, close: nil) }
            return MadeService(instance: made, close: { close(made) })
        }
    }

    /// A service that graphs can set up, which nodes ask for by a protocol that it conforms to: `(any Ringing).self`.
    func provide<Provided: Service, Face>(_ type: Provided.Type, as face: Face.Type) {
        let descriptor = type.descriptor
        let spec = ServiceSpec(
            name: descriptor.name, type: String(reflecting: face), summary: descriptor.summary, scope: descriptor.scope,
            isLive: descriptor.isLive, settings: ServiceRegistry.parameters(of: type.init()).map(\.spec))
        add(face, spec) { (context: ServiceContext, settings: [String: ParameterValue]) throws -> MadeService in
            let made = type.init()
            for parameter in ServiceRegistry.parameters(of: made) {
                guard let value = settings[parameter.spec.name] else { continue }
                guard parameter.set(value) else {
                    throw NodeError("\(parameter.spec.name) cannot be \(value.typeName)", isInputError: true)
                }
            }
            try made.open(context)
            return MadeService(instance: made, close: { made.close() })
        }
    }

    private func add<Face>(
        _ face: Face.Type, _ spec: ServiceSpec,
        _ make: @escaping @Sendable (ServiceContext, [String: ParameterValue]) throws -> MadeService
    ) {
        let key = ObjectIdentifier(face)
        state.withLock {
            $0.providers[key] = ServiceProvider(key: key, spec: spec, make: make)
            $0.specs.append(spec)
        }
    }

    /// Those of the instance's stored properties, in the order of declaration.
    private static func parameters(of service: any Service) -> [any NodeParameter] {
        var mirrors = [Mirror(reflecting: service)]
        while let parent = mirrors[0].superclassMirror { mirrors.insert(parent, at: 0) }
        return mirrors.flatMap(\.children).compactMap { $0.value as? any NodeParameter }
    }

    /// The services that are provided, as a manifest records them.
    var specs: [ServiceSpec] { state.withLock { $0.specs } }

    /// nil if no plugin provides it. Throws `NodeError` where the plugin that does cannot be used.
    func provider<Wanted>(of type: Wanted.Type) throws -> ServiceProvider? {
        let key = ObjectIdentifier(type)
        if let known = state.withLock({ $0.providers[key] }) { return known }
        try onMissing?(String(reflecting: type))
        return state.withLock { $0.providers[key] }
    }

    /// The one that graphs call so, of a plugin that is loaded.
    func provider(named name: String) -> ServiceProvider? {
        state.withLock { state in state.providers.values.first { $0.spec.name == name } }
    }
}

/// How one service is made.
struct ServiceProvider: Sendable {
    let key: ObjectIdentifier
    let spec: ServiceSpec
    let make: @Sendable (ServiceContext, [String: ParameterValue]) throws -> MadeService
}

struct MadeService: Sendable {
    let instance: any Sendable
    let close: (@Sendable () -> Void)?
}
