@_spi(Host) @_spi(Testing) import Sluice

/// Runs a whole graph in virtual time under a test's hand.
///
/// Time stands at 0 until the test lets it pass. Nodes of type `test-source` and `test-sink` are its hands: see
/// `source(_:)` and `sink(_:)`. Everything happens on the calling thread.
public final class GraphHarness {
    private let stepped: SteppedRun

    /// Throws what building the graph throws: `GraphError`, or `NodeError` of a `prepare`.
    @_spi(Host) public init(_ plan: GraphPlan, registry: NodeRegistry, options: RunOptions = RunOptions()) throws {
        stepped = try SteppedRun(plan, registry: registry, options: options)
    }

    /// Throws the error of a `prepare`, with the node's name before it.
    public convenience init(_ graph: GraphBuilder) throws { try self.init(graph, options: RunOptions()) }

    @_spi(Host) public convenience init(_ graph: GraphBuilder, options: RunOptions) throws {
        try self.init(graph.plan, registry: graph.registry, options: options)
    }

    /// A graph as its file has it, over the types that `registry` holds and the two hands. Throws `GraphError` with the
    /// places in `json`, as `sluice run` prints them.
    ///
    ///     let harness = try GraphHarness(
    ///         json: #"{ "nodes": { "in": { "type": "test-source" }, … }, "edges": ["in -> gain -> out"] }"#,
    ///         set: ["gain_db": "6"], registry: registry)
    public convenience init(
        json: String, set overrides: [String: String] = [:], registry: NodeRegistry = NodeRegistry()
    ) throws {
        try self.init(json: json, set: overrides, registry: registry, options: RunOptions())
    }

    @_spi(Host) public convenience init(
        json: String, set overrides: [String: String] = [:], registry: NodeRegistry = NodeRegistry(),
        options: RunOptions
    ) throws {
        registry.register(TestSource.self)
        registry.register(TestSink.self)
        let table = NodeTable(registry.typeNames.compactMap { registry.type(named: $0).map { NodeSpec(of: $0) } })
        let plan = try GraphLoader.load(
            Array(json.utf8), path: "test.json", catalog: table, sources: ParameterSources(overrides: overrides))
        try self.init(plan, registry: registry, options: options)
    }

    // MARK: Hands

    /// The `test-source` of that name. It must exist.
    public func source(_ name: String) -> TestSource { instance(name) }
    /// The `test-sink` of that name. It must exist; an instance that has ended is no longer found.
    public func sink(_ name: String) -> TestSink { instance(name) }

    private func instance<N: Node>(_ name: String) -> N {
        guard let node = stepped.node(name) as? N else {
            preconditionFailure("the graph has no \(N.descriptor.type) \"\(name)\", but \(stepped.nodeNames)")
        }
        return node
    }

    /// Any node's present instance; nil when its session has ended.
    public func node(_ name: String) -> (any Node)? { stepped.node(name) }
    /// For metrics, epochs and templates in the node's name: `context(of: "a")?.counter("late").count`.
    public func context(of name: String) -> NodeContext? { stepped.context(of: name) }
    /// `running`, `finishing`, `restarting`, `finished`, `failed`; nil when its session has ended.
    public func state(of name: String) -> String? { stepped.state(of: name) }
    /// The lane that the node runs on: `main`, a named one, `viewers.1` of a pool.
    public func lane(of name: String) -> String? { stepped.lane(of: name) }
    /// Of all nodes that live, with their instances: `listener.1/pacer`.
    public var nodeNames: [String] { stepped.nodeNames }

    /// False if the node has no such value control.
    @discardableResult
    public func set(_ control: String, of node: String, to value: Double) -> Bool {
        stepped.send(value, to: control, of: node)
    }

    /// Fields that are left out are not known. False if the node has no such record, or the record no such field.
    @discardableResult
    public func send(_ record: KeyValuePairs<String, Double>, to control: String, of node: String) -> Bool {
        stepped.send(record, to: control, of: node)
    }

    /// False if the node has no such request.
    @discardableResult
    public func request(_ control: String, of node: String) -> Bool { stepped.request(control, of: node) }

    // MARK: Time

    /// Of the virtual clock, which begins at 0.
    public var now: Instant { stepped.now }

    /// Everything that can happen without time passing.
    public func settle() { stepped.settle() }
    /// Lets `interval` pass; everything that is due meanwhile happens at its time.
    public func advance(by interval: Interval) { stepped.advance(to: now + interval) }
    /// Lets time pass up to `instant`; everything that is due until then happens at its time.
    public func advance(to instant: Instant) { stepped.advance(to: instant) }
    /// Until nothing would ever happen again without the test.
    public func runOut() { stepped.runOut() }
    /// Until `node` has been called once more, letting time pass; why, or nil if nothing wakes it.
    public func step(_ node: String) -> WakeReasons? { stepped.step(node) }

    /// Runs to the end as `sluice run --clock virtual` does: what nothing wakes any more is given up and fails the run.
    @discardableResult
    public func run() -> Outcome {
        stepped.runToEnd()
        return outcome
    }

    /// Asks the graph to drain, as SIGINT does.
    public func stop() { stepped.run.stop() }

    // MARK: Events

    /// The graph has ended.
    public var isOver: Bool { stepped.isOver }
    /// Of the run as far as it has come; final once `isOver`.
    public var outcome: Outcome {
        switch stepped.outcome {
        case .finished: .finished
        case .stopped: .stopped
        case .failed: .failed
        }
    }
    /// The error that ended the graph's own session.
    public var failure: (any Error)? { stepped.failure }
    /// Everything that was logged, oldest first, lines of status too.
    public var events: [EventLog.Event] { stepped.events }
    /// JSON, as `sluice run --report` writes it.
    public var report: String { stepped.run.report }

    /// The edge into `end`, for instance `listener.1/pacer.in`.
    public func edge(to end: String) -> EdgeCounts? { edges.last { $0.to == end } }
    /// Of every edge, those of instances that ended before those that live.
    public var edges: [EdgeCounts] {
        stepped.edges.map {
            EdgeCounts(
                from: $0.from, to: $0.to, pushed: $0.pushed, popped: $0.popped, dropped: $0.dropped,
                flushed: $0.flushed,
                held: $0.held, depthMax: $0.depthMax, depthMaxMilliseconds: $0.depthMaxMilliseconds)
        }
    }

    /// pushed = popped + dropped + flushed + held on every edge.
    public var isBalanced: Bool { edges.allSatisfy { $0.isBalanced } }

    /// How a run ends, as the report says it.
    public enum Outcome: Sendable {
        /// Every node has nothing left to do.
        case finished
        /// It was asked to stop, and has drained.
        case stopped
        /// The graph's own session ended with an error, or nothing would ever have woken it again.
        case failed
    }

    /// An edge's counters.
    public struct EdgeCounts: Equatable, Sendable {
        /// `node.port`, with the instance: `listener.1/pacer.in`.
        public let from, to: String
        /// Items.
        public let pushed, popped, dropped, flushed, held: Int
        /// Most that was held at a time: in items, and in ms of media.
        public let depthMax, depthMaxMilliseconds: Int
        /// pushed = popped + dropped + flushed + held.
        public var isBalanced: Bool { pushed == popped + dropped + flushed + held }
    }

    func listen(to control: String, of node: String) -> ControlTap? { stepped.listen(to: control, of: node) }
}
