import Synchronization

/// The process's owner of services and runs: any number of graphs run in it, one after the other or at once, and share
/// the services of the scope `host`.
@_spi(Host) public final class Host: @unchecked Sendable {
    public let registry: NodeRegistry
    let services: ServiceStore
    /// Brings in what a plan names.
    private let load: @Sendable (GraphPlan) throws -> Void
    private let state = Mutex(State())

    private struct State {
        var runs: [GraphRun] = []
        var isClosed = false
    }

    /// - Parameters:
    ///   - registry: the types and services that are there already.
    ///   - declared: services that the one who makes the host sets up.
    ///   - load: called before a run is made.
    ///   - say: what services of the host have to say. From any thread.
    public init(
        registry: NodeRegistry = NodeRegistry(), declared: [ServicePlan] = [],
        say: @escaping @Sendable (EventLog.Level, String) -> Void = { level, text in
            Console.say("\(level.rawValue): \(text)\n")
        }, load: @escaping @Sendable (GraphPlan) throws -> Void = { _ in }
    ) {
        self.registry = registry
        self.load = load
        services = ServiceStore(.host, outer: nil, registry: registry.services, declared: declared, say: say)
    }

    /// A run of the graph, which `execute` runs. Throws `NodeError` where a plugin cannot be used.
    public func run(_ plan: GraphPlan, options: RunOptions = RunOptions()) throws -> GraphRun {
        try load(plan)
        let run = GraphRun(plan, host: self, options: options)
        try state.withLock { state in
            guard !state.isClosed else { throw NodeError("the host is closed") }
            state.runs.append(run)
        }
        return run
    }

    /// Those that are not over. From any thread.
    public var runs: [GraphRun] { state.withLock { $0.runs } }

    func noteOver(_ run: GraphRun) { state.withLock { state in state.runs.removeAll { $0 === run } } }

    /// Drains all runs. From any thread.
    public func stop() { for run in runs { run.stop() } }

    /// Closes the host's services. All runs are over or were never executed; none begins any more.
    public func close() {
        state.withLock { $0 = State(runs: [], isClosed: true) }
        services.close()
    }
}
