@_spi(Host) @_spi(Testing) import Sluice

/// Runs one node in virtual time: a test pushes into its inputs, lets time pass, and pulls from its outputs.
///
///     let harness = try NodeHarness(Gain.self, parameters: ["gain_db": 6])
///     harness.push(TestMedia.sine(440, count: 1), into: "in")
///     #expect(harness.step() == [.start, .input])
///     let frame = harness.pull(from: "out") as? AudioFrame
///
/// Every input hangs on an edge from the test, every output on one to it. The engine around the node is the real one.
public final class NodeHarness<N: Node> {
    /// The graph in which the node stands, under the name `node`.
    public let graph: GraphHarness
    private var taps: [String: ControlTap] = [:]
    private var given = GivenItems()

    /// - Parameters:
    ///   - announcing: formats that inputs know in `prepare`, by port.
    ///   - unconnected: ports that the graph leaves out.
    ///   - capacity: of every edge.
    ///   - overflow: of the edges into the node; those out of it block.
    ///   - restarts: what the node throws starts it anew, as `"on_error": "restart"` does.
    ///   - registry: types and services that the node asks for.
    /// - Throws: what `prepare` throws, with the engine's words around it.
    public init(
        _ type: N.Type, parameters: [String: ParameterValue] = [:], announcing: [String: MediaFormat] = [:],
        unconnected: Set<String> = [], capacity: EdgePolicy.Capacity = .standard,
        overflow: EdgePolicy.Overflow = .block, epoch: EdgePolicy.Epoch = .flush, restarts: Bool = false,
        registry: NodeRegistry = NodeRegistry()
    ) throws {
        var builder = GraphBuilder(registry: registry)
        let spec = NodeSpec(of: type)
        let inputs = spec.inputs.map(\.name).filter { !unconnected.contains($0) }
        let outputs = spec.outputs.map(\.name).filter { !unconnected.contains($0) }
        for port in inputs { builder.node("to-\(port)", TestSource.self) }
        builder.node("node", type, parameters, pool: nil, onError: restarts ? .restart : .fail)
        for port in outputs { builder.node("from-\(port)", TestSink.self) }
        for port in inputs {
            builder.edge(
                "to-\(port).out -> node.\(port)", items: capacity.items, milliseconds: capacity.milliseconds,
                bytes: capacity.bytes, overflow: overflow, epoch: epoch)
        }
        for port in outputs {
            builder.edge(
                "node.\(port) -> from-\(port).in", items: capacity.items, milliseconds: capacity.milliseconds,
                bytes: capacity.bytes, epoch: epoch, optional: true)
        }
        let formats = Dictionary(uniqueKeysWithValues: announcing.map { ("to-\($0.key)", $0.value) })
        registry.provide(TestSource.Announcements.self) { TestSource.Announcements(formats: formats) }
        graph = try GraphHarness(builder)
        for output in spec.controlOutputs { taps[output.name] = graph.listen(to: output.name, of: "node") }
    }

    /// The instance; another one after a restart.
    public var node: N { graph.node("node") as! N }
    /// For metrics (`context.counter("dropped").count`), epochs and the node's own wake-ups.
    public var context: NodeContext { graph.context(of: "node")! }

    // MARK: Media

    /// Puts items before an input; they reach the node when time is given: `settle`, `step`, `advance`.
    ///
    /// A node that writes to an item which it was given traps as soon as the test looks: others may hold it too.
    public func push(_ items: some Sequence<MediaItem>, into port: String = "in") {
        let items = Array(items)
        for item in items { given.keep(item) }
        graph.source("to-\(port)").push(items)
    }
    /// Puts one item before an input; it reaches the node when time is given.
    public func push(_ item: MediaItem, into port: String = "in") { push(CollectionOfOne(item), into: port) }
    /// No item follows at this input.
    public func end(_ port: String = "in") { graph.source("to-\(port)").end() }

    /// The oldest item that came out and was not pulled yet; nil if there is none. Gives the node no time.
    public func pull(from port: String = "out") -> MediaItem? {
        given.check(N.self)
        return graph.sink("from-\(port)").take()
    }
    /// Everything that came out and was not pulled yet, oldest first.
    public func pullAll(from port: String = "out") -> [MediaItem] {
        given.check(N.self)
        return graph.sink("from-\(port)").takeAll()
    }

    /// The test's end of an output: its format, its formats in order, whether it ended, its appetite.
    public func sink(_ port: String = "out") -> TestSink { graph.sink("from-\(port)") }
    /// The test's end of an input.
    public func source(_ port: String = "in") -> TestSource { graph.source("to-\(port)") }

    // MARK: Controls and epochs

    /// A value for a live parameter. False if there is no such control.
    @discardableResult
    public func set(_ control: String, to value: Double) -> Bool { graph.set(control, of: "node", to: value) }
    /// A record for a record input; fields that are left out are not known. False if there is no such control or field.
    @discardableResult
    public func send(_ record: KeyValuePairs<String, Double>, to control: String) -> Bool {
        graph.send(record, to: control, of: "node")
    }
    /// False if the node has no such request.
    @discardableResult
    public func request(_ control: String) -> Bool { graph.request(control, of: "node") }

    /// The latest value that a control output sent since the last call; nil if none.
    public func value(of control: String) -> Double? { taps[control]?.takeValue() }
    /// The latest record that a control output sent since the last call; nil if none.
    public func record(of control: String) -> RecordInput.Record? { taps[control]?.takeRecord() }
    /// How many requests a control output sent since the last call.
    public func requests(of control: String) -> Int { taps[control]?.takeRequests() ?? 0 }

    /// The session's present epoch.
    public var epoch: UInt32 { context.epoch }
    /// As the node's own context does. False if `epoch` is not above the present one.
    @discardableResult
    public func raiseEpoch(to epoch: UInt32? = nil) -> Bool { context.raiseEpoch(to: epoch) }

    // MARK: Time

    /// Of the virtual clock, which begins at 0.
    public var now: Instant { graph.now }
    /// Until the node has been called once more, letting time pass; why it was called, nil if nothing wakes it.
    public func step() -> WakeReasons? { graph.step("node") }
    /// Everything that can happen without time passing.
    public func settle() { graph.settle() }
    /// Lets `interval` pass; everything that is due meanwhile happens at its time.
    public func advance(by interval: Interval) { graph.advance(by: interval) }
    /// Lets time pass up to `instant`; everything that is due until then happens at its time.
    public func advance(to instant: Instant) { graph.advance(to: instant) }

    /// Ends every input that is left and runs to the end of the graph.
    @discardableResult
    public func finish() -> GraphHarness.Outcome {
        for name in graph.nodeNames where name.hasPrefix("to-") { graph.source(name).end() }
        let outcome = graph.run()
        given.check(N.self)
        return outcome
    }

    // MARK: Events

    /// The graph has ended.
    public var isOver: Bool { graph.isOver }
    /// `running`, `finishing`, `restarting`, `finished`, `failed`; nil when its session has ended.
    public var state: String? { graph.state(of: "node") }
    /// The error that the node threw, unless it was restarted.
    public var error: (any Error)? { graph.failure }
    /// Everything that was logged, oldest first, lines of status too.
    public var events: [EventLog.Event] { graph.events }
    /// JSON, as `sluice run --report` writes it.
    public var report: String { graph.report }
}
