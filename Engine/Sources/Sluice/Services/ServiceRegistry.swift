import Synchronization

/// Protocols that one plugin provides and others use, by their type. One instance each in a run, made when first asked
/// for.
public final class ServiceRegistry: Sendable {
    private let state = Mutex<State>(State())

    private struct State {
        var makers: [ObjectIdentifier: @Sendable () -> any Sendable] = [:]
        var made: [ObjectIdentifier: any Sendable] = [:]
    }

    public init() {}

    /// The last provider of a type wins.
    public func provide<Service>(_ type: Service.Type, _ make: @escaping @Sendable () -> any Sendable) {
        state.withLock { $0.makers[ObjectIdentifier(type)] = make }
    }

    public func find<Service>(_ type: Service.Type) -> Service? {
        let key = ObjectIdentifier(type)
        let made: (any Sendable)? = state.withLock { state in
            if let made = state.made[key] { return made }
            guard let made = state.makers[key]?() else { return nil }
            state.made[key] = made
            return made
        }
        return made as? Service
    }

    /// The same providers with no instance made yet: for another run.
    func fresh() -> ServiceRegistry {
        let copy = ServiceRegistry()
        let makers = state.withLock { $0.makers }
        copy.state.withLock { $0.makers = makers }
        return copy
    }
}
