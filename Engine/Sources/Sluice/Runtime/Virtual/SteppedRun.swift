import Synchronization

/// A run in virtual time that its holder drives, dispatch by dispatch. The test kit stands on it; it is not for
/// plugins.
@_spi(Testing)
public final class SteppedRun {
    public let run: GraphRun
    private let told = Told()
    private var runner: VirtualRunner

    /// Builds and starts the graph. Throws where `GraphRun.execute` would.
    public init(_ plan: GraphPlan, registry: NodeRegistry, options: RunOptions = RunOptions()) throws {
        var options = options
        options.clock = .virtual
        let (observer, told) = (options.onEvent, told)
        options.onEvent = { event in
            told.events.withLock { $0.append(event) }
            observer?(event)
        }
        run = GraphRun(plan, registry: registry, options: options)
        runner = VirtualRunner(run)
        try run.build()
    }

    /// Nodes and edges hold each other until their session leaves: a run that its holder does not bring to its end
    /// leaves now.
    deinit {
        for session in run.sessions { for core in session.cores { core.abandon() } }
        runner.settle()
        run.noteEnd()
        run.supervisor.close()
        for lane in run.lanes { lane.forget() }
        // A run that was given up takes no more messages: its sessions have not heard that their nodes are done.
        for session in run.sessions { for edge in session.edges { edge.release() } }
    }

    // MARK: Time

    public var now: Instant { Instant(nanoseconds: run.supervisor.now) }
    public var isOver: Bool { run.isFinished }

    /// Everything that can happen without time passing.
    public func settle() {
        runner.settle()
        run.noteEnd()
    }

    /// Runs until time has reached `instant`, whatever happens on the way.
    public func advance(to instant: Instant) {
        runner.settle()
        while !run.isFinished, now < instant {
            runner.jump(to: min(runner.nextTimer ?? .max, instant.nanoseconds))
            runner.settle()
        }
        run.noteEnd()
    }

    /// Runs until nothing is left that would ever happen. A run that is not over then waits for its holder.
    public func runOut() {
        runner.settle()
        while !run.isFinished, runner.step() { runner.settle() }
        run.noteEnd()
    }

    /// As `GraphRun.execute`: nodes that nothing wakes any more are given up.
    public func runToEnd() {
        runner.runToEnd()
        run.noteEnd()
    }

    /// Runs until `node` has been called once more, letting time pass; why it was called, nil if nothing wakes it.
    public func step(_ node: String) -> WakeReasons? {
        defer { run.noteEnd() }
        guard let core = core(node) else { return nil }
        while !run.isFinished {
            core.context.reasons = []
            if let ran = runner.dispatchNext() {
                if ran === core && !core.context.reasons.isEmpty { return core.context.reasons }
            } else if !runner.step() {
                return nil
            }
        }
        return nil
    }

    // MARK: Nodes

    private func core(_ name: String) -> NodeCore? {
        run.sessions.lazy.flatMap(\.cores).first { $0.name == name }
    }

    /// The instance of the node of that name (`listener.1/pacer`); another one after a restart.
    public func node(_ name: String) -> (any Node)? { core(name)?.node }
    public func context(of name: String) -> NodeContext? { core(name)?.context }
    /// Those of every session that has not ended.
    public var nodeNames: [String] { run.sessions.flatMap(\.cores).map(\.name) }
    /// The lane that the node runs on.
    public func lane(of name: String) -> String? { core(name)?.lane.name }
    public func state(of name: String) -> String? { core(name).map { "\($0.state)" } }

    public func send(_ value: Double, to control: String, of node: String) -> Bool {
        guard let input = core(node)?.ports.controlInput(control), input.control.kind == .value else { return false }
        input.cell.post(value: value)
        return true
    }

    public func request(_ control: String, of node: String) -> Bool {
        guard let input = core(node)?.ports.controlInput(control), input.control.kind == .request else { return false }
        input.cell.postRequest()
        return true
    }

    /// Fields that are left out are not known; false also where the node's record has no field of one of the names.
    public func send(_ record: KeyValuePairs<String, Double>, to control: String, of node: String) -> Bool {
        guard let input = core(node)?.ports.controlInput(control), input.control.kind == .record else { return false }
        let order = input.control.fields.map { field in record.firstIndex { $0.key == field.name } ?? -1 }
        guard record.count == order.count(where: { $0 >= 0 }) else { return false }
        input.cell.post(record: record.map(\.value), in: order)
        return true
    }

    /// A receiver at a control output; nil if there is no such output.
    public func listen(to control: String, of node: String) -> ControlTap? {
        guard let output = core(node)?.ports.controlOutput(control) else { return nil }
        let tap = ControlTap(output.control.fields)
        output.links.add(tap.cell, order: Array(output.control.fields.indices))
        return tap
    }

    // MARK: Events

    public var outcome: RunOutcome { run.outcome }
    public var failure: (any Error)? { run.failure }
    /// All that was told, lines of status too.
    public var events: [EventLog.Event] { told.events.withLock { $0 } }

    private final class Told: Sendable { let events = Mutex<[EventLog.Event]>([]) }
    /// Of every edge, those of instances that ended before those that live.
    public var edges: [EdgeCounts] {
        let snapshot = run.snapshot(.counters)
        return (snapshot.ended.edges + snapshot.edges).map(EdgeCounts.init)
    }
}

/// Where a test sees what a control output sends.
@_spi(Testing)
public final class ControlTap {
    let cell: ControlCell
    private let fields: [DataSchema.Field]

    init(_ fields: [DataSchema.Field] = []) { (cell, self.fields) = (ControlCell(fields: fields.count), fields) }

    /// The latest value since the last call; nil if there was none.
    public func takeValue() -> Double? { cell.takeValue() }
    /// The latest record since the last call; nil if there was none.
    public func takeRecord() -> RecordInput.Record? {
        var values = Array(repeating: Double.nan, count: fields.count)
        return cell.takeRecord(into: &values) ? RecordInput.Record(fields, values) : nil
    }
    /// Requests since the last call.
    public func takeRequests() -> Int { cell.takeRequests() }
}

/// The counters of an edge.
@_spi(Testing)
public struct EdgeCounts: Sendable {
    public let from, to: String
    public let pushed, popped, dropped, flushed, held, depthMax, depthMaxMilliseconds: Int

    init(_ edge: EdgeSnapshot) {
        (from, to) = (edge.from, edge.to)
        (pushed, popped, dropped, flushed, held) = (edge.pushed, edge.popped, edge.dropped, edge.flushed, edge.held)
        depthMax = edge.depthMax
        depthMaxMilliseconds = Int(edge.depthMaxTime.milliseconds.rounded())
    }

    /// pushed = popped + dropped + flushed + held.
    public var isBalanced: Bool { pushed == popped + dropped + flushed + held }
}
