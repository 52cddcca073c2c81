import Glibc

/// The services of one scope: of the host, of a run, or of a session. Each is made when it is first asked for, and all
/// are closed together, the last one made first: so none outlives another that it uses.
///
/// Finding is for `prepare`. A node that asks for a service that is being made on another thread waits until it is
/// there.
final class ServiceStore: @unchecked Sendable {
    let scope: ServiceDescriptor.Scope
    /// The scope around it; nil for the host's.
    private let outer: ServiceStore?
    private let registry: ServiceRegistry
    /// The settings of a graph, or of the command, by the service's name.
    private let declared: [String: ServicePlan]
    let say: @Sendable (EventLog.Level, String) -> Void
    /// It belongs to a run in virtual time.
    private let isVirtual: Bool

    /// A maker may ask for other services of the same store.
    private let lock = RecursiveLock()
    private var entries: [Entry] = []
    private var making: [ObjectIdentifier] = []
    private var isClosed = false

    private struct Entry {
        let key: ObjectIdentifier
        let settings: [String: ParameterValue]
        let made: MadeService
    }

    init(
        _ scope: ServiceDescriptor.Scope, outer: ServiceStore?, registry: ServiceRegistry, declared: [ServicePlan] = [],
        isVirtual: Bool = false, say: @escaping @Sendable (EventLog.Level, String) -> Void
    ) {
        self.scope = scope
        self.outer = outer
        self.registry = registry
        self.declared = Dictionary(declared.map { ($0.spec.name, $0) }, uniquingKeysWith: { first, _ in first })
        self.say = say
        self.isVirtual = isVirtual
    }

    /// nil if no plugin provides it. Throws `NodeError` where its plugin cannot be used, it cannot be made, it belongs
    /// to a narrower scope than who asks, or it is live and time is virtual.
    func find<Wanted>(_ type: Wanted.Type) throws -> Wanted? {
        guard let provider = try registry.provider(of: type) else { return nil }
        let found = try instance(of: provider)
        guard let wanted = found as? Wanted else {
            throw NodeError("\(provider.spec.shown) is no \(String(reflecting: type))")
        }
        return wanted
    }

    /// Makes what is declared for this scope, in the order of the file. Throws what `find` throws, with its position.
    func open(_ declared: [ServicePlan], file: String) throws {
        for plan in declared where plan.spec.scope != .session {
            func told(_ message: String, _ advice: String, isInputError: Bool) -> GraphError {
                var error = GraphError([
                    Diagnostic(
                        file: file, position: plan.position, message.hasSuffix(".") ? message : message + ".",
                        advice: advice)
                ])
                error.isInputError = isInputError
                return error
            }
            guard let provider = registry.provider(named: plan.spec.name) else {
                throw told(
                    "\(plan.spec.shown): its plugin is not loaded", "Look at \"sluice list\".", isInputError: true)
            }
            do { _ = try instance(of: provider) } catch {
                let error = error as? NodeError ?? NodeError("\(plan.spec.shown): \(error)")
                throw told(error.message, error.advice, isInputError: error.isInputError)
            }
        }
    }

    private func instance(of provider: ServiceProvider) throws -> any Sendable {
        if isVirtual, provider.spec.isLive {
            throw NodeError(
                "\(provider.spec.shown) talks to a live socket or device, which virtual time has none of",
                advice: "Run the graph with --clock system.", isInputError: true)
        }
        let plan = declaration(of: provider.spec)
        var store = self
        while store.scope != provider.spec.scope {
            guard let outer = store.outer else {
                throw NodeError(
                    "\(provider.spec.shown) belongs to a \(provider.spec.scope.rawValue), and was asked for by a \(scope.rawValue)",
                    advice: "Ask for it in a node's prepare.")
            }
            store = outer
        }
        return try store.own(provider, plan)
    }

    /// The nearest scope that sets it up.
    private func declaration(of spec: ServiceSpec) -> ServicePlan? {
        spec.name.isEmpty ? nil : declared[spec.name] ?? outer?.declaration(of: spec)
    }

    private func own(_ provider: ServiceProvider, _ plan: ServicePlan?) throws -> any Sendable {
        try lock.withLock {
            let spec = provider.spec
            guard !isClosed else { throw NodeError("\(spec.shown) was asked for after its \(scope.rawValue) ended") }
            if let entry = entries.first(where: { $0.key == provider.key }) {
                if let plan, plan.settings != entry.settings {
                    throw NodeError(
                        "\(spec.shown) is open already, with other settings",
                        advice: "Give it the same settings everywhere.", isInputError: true)
                }
                return entry.made.instance
            }
            guard !making.contains(provider.key) else { throw NodeError("\(spec.shown) needs itself to open") }
            if plan == nil, let missing = spec.settings.first(where: { $0.defaultValue == nil }) {
                throw NodeError(
                    "\(spec.shown) needs the setting \"\(missing.name)\"",
                    advice: "Add \"services\": { \"\(spec.name)\": { \"\(missing.name)\": … } } to the graph.",
                    isInputError: true)
            }
            making.append(provider.key)
            defer { making.removeLast() }
            let made: MadeService
            do {
                made = try provider.make(ServiceContext(store: self, shown: spec.shown), plan?.settings ?? [:])
            } catch {
                let error = error as? NodeError ?? NodeError("\(error)")
                throw NodeError(
                    "\(spec.shown): \(error.message)", advice: error.advice, isInputError: error.isInputError)
            }
            entries.append(Entry(key: provider.key, settings: plan?.settings ?? [:], made: made))
            return made.instance
        }
    }

    /// Something waits for its `close`.
    var mustClose: Bool { lock.withLock { entries.contains { $0.made.close != nil } } }

    /// Closes all, the last one made first; later calls do nothing. Nobody uses them any more.
    func close() {
        let all = lock.withLock {
            isClosed = true
            defer { entries = [] }
            return entries
        }
        for entry in all.reversed() { entry.made.close?() }
    }
}

/// One that its holder may take again. For what happens seldom.
final class RecursiveLock: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

    init() {
        var attributes = pthread_mutexattr_t()
        pthread_mutexattr_init(&attributes)
        pthread_mutexattr_settype(&attributes, Int32(PTHREAD_MUTEX_RECURSIVE))
        pthread_mutex_init(mutex, &attributes)
        pthread_mutexattr_destroy(&attributes)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    func withLock<Value>(_ body: () throws -> Value) rethrows -> Value {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body()
    }
}
