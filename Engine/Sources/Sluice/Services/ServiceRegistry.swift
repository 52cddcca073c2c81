import Synchronization

/// Protocols that one plugin provides and others use, by their type. One instance each in a run, made when first asked
/// for.
public final class ServiceRegistry: @unchecked Sendable {
    private let state = Mutex<State>(State())
    /// Brings in the plugin that provides the protocol of this full name, if there is one. Set before the run begins.
    var onMissing: ((_ name: String) throws -> Void)?

    private struct State {
        var makers: [ObjectIdentifier: @Sendable () -> any Sendable] = [:]
        var made: [ObjectIdentifier: any Sendable] = [:]
        var names: [String] = []
    }

    public init() {}

    /// The last provider of a type wins.
    public func provide<Service>(_ type: Service.Type, _ make: @escaping @Sendable () -> any Sendable) {
        state.withLock {
            $0.makers[ObjectIdentifier(type)] = make
            $0.names.append(String(reflecting: type))
        }
    }

    /// The full names of what is provided: what a manifest records.
    var names: [String] { state.withLock { $0.names } }

    /// nil if no plugin provides it. In `prepare`. Throws `NodeError` where the plugin that does cannot be used.
    public func find<Service>(_ type: Service.Type) throws -> Service? {
        let key = ObjectIdentifier(type)
        if state.withLock({ $0.makers[key] }) == nil { try onMissing?(String(reflecting: type)) }
        let made: (any Sendable)? = state.withLock { state in
            if let made = state.made[key] { return made }
            guard let made = state.makers[key]?() else { return nil }
            state.made[key] = made
            return made
        }
        return made as? Service
    }

    /// The run is over: instances go, providers stay for another.
    func forget() { state.withLock { $0.made = [:] } }
}
