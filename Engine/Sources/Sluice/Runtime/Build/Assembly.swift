import CSys
import Synchronization

/// Builds one session from its plan: instances, parameters, edges, controls, `prepare` from the sources down, and the
/// checks that only then can be made. Everything is taken back when one of them fails.
///
/// On any thread; nobody else knows of the session until it is attached. The work grows with the session, not with what
/// else is in the run.
final class Assembly {
    private let run: GraphRun
    private var cores: [NodeCore] = []
    private var byName: [String: NodeCore] = [:]
    private var edges: [Edge] = []
    private var entering: [ObjectIdentifier: [Edge]] = [:]
    private var leaving: [ObjectIdentifier: [Edge]] = [:]
    private var removed: Set<ObjectIdentifier> = []
    private var incoming: [IncomingLink] = []
    private var prepared: [NodeCore] = []

    init(_ run: GraphRun) { self.run = run }

    /// nil where everything in it was left out. Throws `GraphError`.
    func build(
        _ given: SessionPlan, name: String, parent: Session?, template: String?, resource: (any Sendable)?
    ) throws -> Session? {
        let session = Session(
            name: name, run: run, parent: parent, plan: given, template: template, resource: resource)
        let plan = run.options.latencyTrace.map { traced(given, by: $0, in: session) } ?? given
        do {
            if run.isVirtual { try refuseLiveNodes(plan) }
            let placement = Placement(run, session, plan)
            for node in plan.nodes { try instantiate(node, in: session, placement) }
            for edge in plan.edges { try connect(edge, in: session) }
            for control in plan.controls { link(control, in: session) }
            let ordered = try upstreamFirst()
            for core in ordered {
                if vanishes(core) { continue }
                announceFormats(to: core)
                prepared.append(core)
                try prepare(core)
                try settleOutputs(of: core)
            }
            edges.removeAll { removed.contains(ObjectIdentifier($0)) }
            let left = Set(prepared.map(ObjectIdentifier.init))
            for core in cores where !left.contains(ObjectIdentifier(core)) { run.laneRoster.release(core.lane) }
            cores.removeAll { !left.contains(ObjectIdentifier($0)) }
            guard !cores.isEmpty else {
                run.log(.info, node: name, "left out: what it leads from is not there")
                session.services.close()
                return nil
            }
            try checkSomethingIsLeft(of: plan)
            try DiamondCheck(file: run.plan.file).check(
                cores: ordered.filter { left.contains(ObjectIdentifier($0)) }, edges: edges)
            settlePaths(prepared)
        } catch {
            takeBack()
            session.services.close()
            throw error
        }
        session.adopt(cores: cores, edges: edges, incoming: incoming)
        return session
    }

    private func takeBack() {
        for core in prepared.reversed() { core.giveBack() }
        for core in cores { for control in core.ports.controlOutputs { control.links.removeAll() } }
        for edge in edges { edge.release() }
        for core in cores { run.laneRoster.release(core.lane) }
    }

    private func traced(_ plan: SessionPlan, by trace: LatencyTrace, in session: Session) -> SessionPlan {
        let own = Dictionary(plan.nodes.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let placement = Placement(run, session, plan)
        return plan.traced(
            by: trace,
            lane: { end in
                if end.isParent { return session.parent?.core(end.node)?.lane.name ?? "main" }
                return own[end.node].map(placement.name) ?? "main"
            },
            node: { end in
                if end.isParent { return session.parent?.core(end.node).map { ($0.name, $0.plan) } }
                return own[end.node].map { (session.qualified($0.name), $0) }
            })
    }

    private func refuseLiveNodes(_ plan: SessionPlan) throws {
        let live = plan.nodes.filter { $0.spec.descriptor.traits.contains(.live) }
        guard !live.isEmpty else { return }
        throw GraphError(
            live.map {
                Diagnostic(
                    file: run.plan.file, position: $0.position,
                    "node \"\($0.name)\" (\($0.spec.type)) talks to a live socket or device, which virtual time has none of.",
                    advice: "Run the graph with --clock system.")
            })
    }

    // MARK: Nodes

    private func instantiate(_ plan: NodePlan, in session: Session, _ placement: Placement) throws {
        guard let type = run.registry.type(named: plan.spec.type) else {
            throw NodeError("node type \"\(plan.spec.type)\" is not registered", isInputError: true)
        }
        let node = type.init()
        let name = session.qualified(plan.name)
        let lane: Lane
        do { lane = try placement.lane(for: plan) } catch { throw told(error, of: plan, named: name) }
        let core = NodeCore(name: name, plan: plan, node: node, lane: lane, session: session)
        cores.append(core)
        byName[plan.name] = core
        if plan.spec.descriptor.traits.contains(.paced) { run.askToKeepTime(lane) }
        let work = plan.spec.descriptor.work
        if work != .light { lane.needsOwnThread.store(true, ordering: .relaxed) }
        if work == .blocking { lane.blocks.store(true, ordering: .relaxed) }
        if let misfit = core.ports.misfit {
            throw told(NodeError(misfit, isInputError: true), of: plan, named: name)
        }
        for input in core.ports.inputs { input.narrow(input.spec.formats(with: plan.allParameters)) }
        for parameter in core.ports.parameters {
            guard let value = plan.parameters[parameter.spec.name] else {
                guard parameter.spec.defaultValue == nil else { continue }
                throw diagnostic(
                    plan.position,
                    "node \"\(plan.name)\": \(plan.spec.type) needs the parameter \"\(parameter.spec.name)\".")
            }
            guard parameter.set(value) else {
                throw diagnostic(
                    plan.position, "node \"\(plan.name)\": \(parameter.spec.name) cannot be \(value.typeName).")
            }
        }
    }

    private func prepare(_ core: NodeCore) throws {
        do { try run.preparing(core.name) { try core.prepare() } } catch {
            throw told(error, of: core.plan, named: core.name)
        }
    }

    /// The error that a node threw, with its place in the file.
    private func told(_ error: any Error, of plan: NodePlan, named name: String) -> GraphError {
        if let error = error as? GraphError { return error }
        let error = error as? NodeError ?? NodeError("\(error)")
        var told = diagnostic(
            plan.position, "node \"\(name)\" (\(plan.spec.type)): \(sentence(error.message))", error.advice)
        told.isInputError = error.isInputError
        return told
    }

    /// Topological order; nodes of one rank in document order.
    private func upstreamFirst() throws -> [NodeCore] {
        let own = Set(cores.map(ObjectIdentifier.init))
        var pending: [ObjectIdentifier: Int] = [:]
        for core in cores {
            pending[ObjectIdentifier(core)] = (entering[ObjectIdentifier(core)] ?? []).count { edge in
                edge.producer.map { own.contains(ObjectIdentifier($0)) } ?? false
            }
        }
        let place = Dictionary(
            cores.enumerated().map { (ObjectIdentifier($1), $0) }, uniquingKeysWith: { first, _ in first })
        var rank = cores.filter { pending[ObjectIdentifier($0)] == 0 }
        var ordered: [NodeCore] = []
        while !rank.isEmpty {
            ordered += rank
            var next: [NodeCore] = []
            for edge in rank.flatMap({ leaving[ObjectIdentifier($0)] ?? [] }) {
                guard let consumer = edge.consumer, let count = pending[ObjectIdentifier(consumer)] else { continue }
                pending[ObjectIdentifier(consumer)] = count - 1
                if count == 1 { next.append(consumer) }
            }
            rank = next.sorted { (place[ObjectIdentifier($0)] ?? 0) < (place[ObjectIdentifier($1)] ?? 0) }
        }
        guard ordered.count == cores.count else {
            throw GraphError([
                Diagnostic(file: run.plan.file, "the media edges of \(quoted(cores[0].session.name)) form a cycle.")
            ])
        }
        return ordered
    }

    /// All of its inputs led from streams that are absent, so the node goes too, and the edges that leave it.
    private func vanishes(_ core: NodeCore) -> Bool {
        guard let led = entering[ObjectIdentifier(core)], !led.isEmpty, led.allSatisfy(isRemoved) else { return false }
        for edge in leaving[ObjectIdentifier(core)] ?? [] { remove(edge) }
        run.log(.info, node: core.name, "left out: it has no input")
        return true
    }

    private func checkSomethingIsLeft(of plan: SessionPlan) throws {
        guard cores.count == 1, plan.nodes.count > 1, !cores[0].ports.outputs.isEmpty,
            cores[0].ports.outputs.allSatisfy({ !$0.isConnected })
        else { return }
        throw diagnostic(
            cores[0].plan.position, "\(cores[0].name) opened nothing that the graph uses, so no edge is left.",
            "Choose another input.")
    }

    // MARK: Edges

    private func connect(_ plan: EdgePlan, in session: Session) throws {
        guard let consumer = byName[plan.to.node], !plan.to.isParent else { throw unknown(plan.to, plan.position) }
        guard let producer = plan.from.isParent ? session.parent?.core(plan.from.node) : byName[plan.from.node] else {
            guard plan.from.isParent else { throw unknown(plan.from, plan.position) }
            try leaveOut(plan, to: consumer)
            return
        }
        // Media carry the epoch of the session that they come from.
        let edge = Edge(
            plan, from: producer, to: consumer, epoch: plan.from.isParent ? session.parent?.epoch : session.epoch)
        edges.append(edge)
        entering[ObjectIdentifier(consumer), default: []].append(edge)
        consumer.ports.input(plan.to.port)?.connect(edge)
        guard !plan.from.isParent else { return }
        leaving[ObjectIdentifier(producer), default: []].append(edge)
        producer.ports.output(plan.from.port)?.connect(edge)
    }

    /// The session around has left out the node that the edge leads from.
    private func leaveOut(_ plan: EdgePlan, to consumer: NodeCore) throws {
        let edge = "edge \"\(plan.from) -> \(plan.to)\""
        guard plan.isOptional else {
            throw diagnostic(
                plan.position, "\(edge): \(plan.from.node) was left out, because what was opened has no media for it.",
                "Choose another input, or write the edge as {\"from\": \"\(plan.from)\", \"to\": \"\(plan.to)\", \"optional\": true}."
            )
        }
        run.log(.info, node: consumer.name, "\(edge) left out: \(plan.from.node) was left out")
        // A node that had no other input is left out too.
        let gone = Edge(plan, from: consumer, to: consumer, epoch: nil)
        gone.release()
        removed.insert(ObjectIdentifier(gone))
        edges.append(gone)
        entering[ObjectIdentifier(consumer), default: []].append(gone)
    }

    private func isRemoved(_ edge: Edge) -> Bool { removed.contains(ObjectIdentifier(edge)) }

    private func remove(_ edge: Edge) {
        guard removed.insert(ObjectIdentifier(edge)).inserted else { return }
        _ = edge.producer?.ports.output(edge.plan.from.port)?.detach(edge)
        edge.consumer?.ports.input(edge.plan.to.port)?.disconnect()
        edge.release()
    }

    private func announceFormats(to core: NodeCore) {
        for edge in entering[ObjectIdentifier(core)] ?? [] where !isRemoved(edge) {
            let output = edge.producer?.portsFromOutside.output(edge.plan.from.port)
            core.ports.input(edge.plan.to.port)?.announce(output?.formatFromOutside)
        }
    }

    /// Formats that follow an input, absent streams, and the check of each edge whose format is known.
    private func settleOutputs(of core: NodeCore) throws {
        let all = leaving[ObjectIdentifier(core)] ?? []
        for output in core.ports.outputs {
            if output.format == nil, let follows = output.spec.follows, let format = core.ports.input(follows)?.format {
                output.fix(format)
            }
            for edge in all where edge.plan.from.port == output.spec.name && !isRemoved(edge) {
                if output.isAbsent {
                    try checkMayVanish(edge)
                    remove(edge)
                    run.log(
                        .info, node: core.name,
                        "has no \(output.spec.name): edge \"\(edge.plan.from) -> \(edge.plan.to)\" left out")
                } else if let format = output.format {
                    try check(format, on: edge)
                }
            }
        }
    }

    private func check(_ format: MediaFormat, on edge: Edge) throws {
        guard let input = edge.consumer?.ports.input(edge.plan.to.port), !input.accepts(format) else { return }
        let others = edges.filter { !isRemoved($0) }.map(\.plan)
        throw GraphError(
            [disagreement(on: edge, gives: format, takes: input.formats, beside: others)].compactMap { $0 })
    }

    private func checkMayVanish(_ edge: Edge) throws {
        guard !edge.plan.isOptional else { return }
        throw diagnostic(
            edge.plan.position,
            "edge \"\(edge.plan.from) -> \(edge.plan.to)\": what \(edge.plan.from.node) opened has no \(edge.plan.from.port).",
            "Choose another input, or write the edge as {\"from\": \"\(edge.plan.from)\", \"to\": \"\(edge.plan.to)\", \"optional\": true}."
        )
    }

    /// For each edge whom a loss on it asks for a keyframe, for each node how late media are when they reach it.
    private func settlePaths(_ ordered: [NodeCore]) {
        var targets: [ObjectIdentifier: ControlCell?] = [:]
        for core in ordered {
            var slowest = Interval.Bounds.zero
            var fromVideo: Edge?
            for edge in entering[ObjectIdentifier(core)] ?? [] where !isRemoved(edge) {
                guard let producer = edge.producer else { continue }
                if let known = targets[ObjectIdentifier(producer)] {
                    edge.state.pointee.keyframeTarget = known
                } else {
                    edge.state.pointee.keyframeTarget = keyframeTarget(of: producer)
                }
                guard let output = producer.portsFromOutside.output(edge.plan.from.port) else { continue }
                let path = producer.pathLatency + output.latency
                if path.max > slowest.max { slowest = path }
                let mayBeVideo = output.formatFromOutside?.kind.hasDependentPackets ?? true
                if mayBeVideo, fromVideo == nil { fromVideo = edge }
            }
            core.pathLatency = slowest
            let own = (core.ports.controlInput("keyframe") as? RequestInput)?.cell
            targets[ObjectIdentifier(core)] = .some(own ?? fromVideo?.state.pointee.keyframeTarget)
        }
    }

    /// The request of a node of the session around: its own, else that of the node that feeds it coded video.
    private func keyframeTarget(of producer: NodeCore) -> ControlCell? {
        var producer: NodeCore? = producer
        while let core = producer {
            let ports = core.portsFromOutside
            if let request = ports.controlInput("keyframe") as? RequestInput { return request.cell }
            producer =
                ports.inputs.lazy.compactMap(\.edge).first { edge in
                    let format = edge.producer?.portsFromOutside.output(edge.plan.from.port)?.formatFromOutside
                    return format?.kind.hasDependentPackets ?? true
                }?.producer
        }
        return nil
    }

    // MARK: Controls

    /// Links in from the parent are made when the session is attached. A link to or from a node that was left out
    /// goes with it.
    private func link(_ plan: ControlPlan, in session: Session) {
        func core(_ end: EndPlan) -> NodeCore? { end.isParent ? session.parent?.core(end.node) : byName[end.node] }
        guard let sender = core(plan.from), let receiver = core(plan.to),
            let output = sender.portsFromOutside.controlOutput(plan.from.port),
            let input = receiver.portsFromOutside.controlInput(plan.to.port)
        else {
            return run.log(.info, node: session.name, "control \"\(plan.from) -> \(plan.to)\" left out with its node")
        }
        let order = output.control.order(for: input.control)
        guard !plan.from.isParent else {
            return incoming.append(IncomingLink(links: output.links, cell: input.cell, order: order))
        }
        let combiner =
            plan.kind == .value
            ? plan.combination.map {
                receiver.session.combiner(
                    $0, to: input.cell, key: "\(sender.plan.name).\(plan.from.port) -> \(receiver.name).\(plan.to.port)"
                )
            } : nil
        output.links.add(input.cell, combiner: combiner, member: session.id, order: order)
    }

    // MARK: Words

    private func unknown(_ end: EndPlan, _ position: SourcePosition) -> GraphError {
        diagnostic(position, "the plan names \(end), which it does not hold.")
    }

    private func diagnostic(_ position: SourcePosition?, _ message: String, _ advice: String = "") -> GraphError {
        GraphError([Diagnostic(file: run.plan.file, position: position, message, advice: advice)])
    }

    private func sentence(_ text: String) -> String { text.hasSuffix(".") ? text : text + "." }
}

/// Why an edge cannot carry `format`, with both ends named and what to put between; nil once its ends have let it go.
/// `others` are the edges of the consumer's session.
func disagreement(
    on edge: Edge, gives format: MediaFormat, takes formats: FormatSet, beside others: [EdgePlan]? = nil
) -> Diagnostic? {
    guard let producer = edge.producer, let consumer = edge.consumer else { return nil }
    let run = consumer.session.run
    return edge.plan.disagreement(
        gives: format, takes: formats, source: producer.plan, target: consumer.plan,
        edges: others ?? consumer.session.edges.map(\.plan), catalog: run.options.catalog ?? NodeTable([]),
        file: run.plan.file)
}
