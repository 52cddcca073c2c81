import CSys
import Synchronization

/// Builds one session from its plan: instances, parameters, edges, controls, `prepare` from the sources down, and the
/// checks that only then can be made. Everything is taken back when one of them fails.
struct Assembly {
    private let run: GraphRun

    init(_ run: GraphRun) { self.run = run }

    func build(
        _ plan: SessionPlan, name: String, parent: Session?, template: String?, resource: (any Sendable)?
    ) throws -> Session {
        let session = Session(
            name: name, run: run, parent: parent, plan: plan, template: template, resource: resource)
        let plan = run.options.latencyTrace.map { traced(plan, by: $0, in: session) } ?? plan
        var cores = try plan.nodes.map { try instantiate($0, in: session) }
        func core(_ end: EndPlan) -> NodeCore {
            let found =
                end.isParent
                ? parent?.cores.first { $0.plan.name == end.node } : cores.first { $0.plan.name == end.node }
            guard let found else { preconditionFailure("the plan names \(end), which it does not hold") }
            return found
        }
        var edges = plan.edges.map { edge in
            // Media carry the epoch of the session that they come from.
            Edge(
                edge, from: core(edge.from), to: core(edge.to),
                epoch: edge.from.isParent ? parent?.epoch : session.epoch)
        }
        for edge in edges {
            edge.consumer?.ports.input(edge.plan.to.port)?.connect(edge)
            if !edge.plan.from.isParent { edge.producer?.ports.output(edge.plan.from.port)?.connect(edge) }
        }
        for control in plan.controls { link(control, from: core(control.from), to: core(control.to), session) }

        var prepared: [NodeCore] = []
        do {
            for core in upstreamFirst(cores, edges) {
                if vanishes(core, of: plan, &edges) {
                    cores.removeAll { $0 === core }
                    continue
                }
                announceFormats(to: core, edges)
                prepared.append(core)
                try prepare(core)
                try settleOutputs(of: core, &edges)
            }
            try checkSomethingIsLeft(cores, of: plan)
            try DiamondCheck(file: run.plan.file).check(cores: cores, edges: edges)
        } catch {
            for core in prepared { core.node.close() }
            for edge in edges { edge.release() }
            throw error
        }
        for edge in edges { edge.state.pointee.keyframeTarget = keyframeTarget(of: edge) }
        for core in upstreamFirst(cores, edges) { core.pathLatency = pathLatency(to: core, edges) }
        session.adopt(cores: cores, edges: edges)
        for edge in edges where edge.plan.from.isParent { attach(edge) }
        return session
    }

    private func traced(_ plan: SessionPlan, by trace: LatencyTrace, in session: Session) -> SessionPlan {
        func core(_ end: EndPlan) -> NodeCore? { session.parent?.cores.first { $0.plan.name == end.node } }
        func own(_ end: EndPlan) -> NodePlan? { plan.nodes.first { $0.name == end.node } }
        return plan.traced(
            by: trace,
            lane: { end in
                if end.isParent { return core(end)?.lane.name ?? "main" }
                guard let node = own(end) else { return "main" }
                return laneName(of: node, in: session)
            },
            node: { end in
                if end.isParent { return core(end).map { ($0.name, $0.plan) } }
                return own(end).map { (session.qualified($0.name), $0) }
            })
    }

    private func laneName(of plan: NodePlan, in session: Session) -> String {
        plan.lane ?? (plan.spec.descriptor.work == .light ? "main" : session.qualified(plan.name))
    }

    private func instantiate(_ plan: NodePlan, in session: Session) throws -> NodeCore {
        guard let type = run.registry.type(named: plan.spec.type) else {
            throw NodeError("node type \"\(plan.spec.type)\" is not registered", isInputError: true)
        }
        let node = type.init()
        let descriptor = plan.spec.descriptor
        let name = session.qualified(plan.name)
        let lane = try run.lane(
            named: laneName(of: plan, in: session),
            settings: session.template.map { "\($0)/\(plan.name)" })
        if descriptor.traits.contains(.paced) { run.askToKeepTime(lane) }
        if descriptor.work != .light { lane.needsOwnThread.store(true, ordering: .relaxed) }
        let core = NodeCore(name: name, plan: plan, node: node, lane: lane, session: session)
        for input in core.ports.inputs { input.narrow(input.spec.formats(with: plan.allParameters)) }
        for parameter in core.ports.parameters {
            guard let value = plan.parameters[parameter.spec.name] else { continue }
            guard parameter.set(value) else {
                throw diagnostic(
                    plan.position, "node \"\(plan.name)\": \(parameter.spec.name) cannot be \(value.typeName).")
            }
        }
        return core
    }

    private func link(_ plan: ControlPlan, from sender: NodeCore, to receiver: NodeCore, _ session: Session) {
        guard let output = sender.portsFromOutside.controlOutput(plan.from.port),
            let input = receiver.portsFromOutside.controlInput(plan.to.port)
        else { return }
        if plan.from.isParent { session.noteIncoming(output.links, input.cell) }
        let join = plan.join.map {
            run.join(
                $0, to: input.cell, key: "\(sender.plan.name).\(plan.from.port) -> \(receiver.name).\(plan.to.port)")
        }
        output.links.add(input.cell, join: plan.kind == .value ? join : nil, member: session.id)
    }

    /// Topological order; nodes of one rank in document order.
    private func upstreamFirst(_ cores: [NodeCore], _ edges: [Edge]) -> [NodeCore] {
        var ordered: [NodeCore] = []
        var left = cores
        while !left.isEmpty {
            let ready = left.filter { core in
                !edges.contains { edge in edge.consumer === core && left.contains { $0 === edge.producer } }
            }
            precondition(!ready.isEmpty, "the plan holds a cycle")
            ordered += ready
            left.removeAll { core in ready.contains { $0 === core } }
        }
        return ordered
    }

    /// All of its inputs led from streams that are absent, so the node goes too, and the edges that leave it.
    private func vanishes(_ core: NodeCore, of plan: SessionPlan, _ edges: inout [Edge]) -> Bool {
        let hadInput = plan.edges.contains { !$0.to.isParent && $0.to.node == core.plan.name }
        guard hadInput, !edges.contains(where: { $0.consumer === core }) else { return false }
        for edge in edges where edge.producer === core { remove(edge, &edges) }
        run.log(.info, node: core.name, "left out: it has no input")
        return true
    }

    private func announceFormats(to core: NodeCore, _ edges: [Edge]) {
        for edge in edges where edge.consumer === core {
            let output = edge.producer?.portsFromOutside.output(edge.plan.from.port)
            core.ports.input(edge.plan.to.port)?.announce(output?.formatFromOutside)
        }
    }

    private func prepare(_ core: NodeCore) throws {
        run.note(preparing: core.name)
        defer { run.note(preparing: nil) }
        do {
            try core.prepare()
        } catch let error as GraphError {
            throw error
        } catch {
            let error = error as? NodeError ?? NodeError("\(error)")
            var told = diagnostic(
                core.plan.position, "node \"\(core.name)\" (\(core.plan.spec.type)): \(sentence(error.message))",
                error.advice)
            told.isInputError = error.isInputError
            throw told
        }
    }

    /// Formats that follow an input, absent streams, and the check of each edge whose format is known.
    private func settleOutputs(of core: NodeCore, _ edges: inout [Edge]) throws {
        for output in core.ports.outputs {
            if output.format == nil, let follows = output.spec.follows, let format = core.ports.input(follows)?.format {
                output.fix(format)
            }
            for edge in edges where edge.producer === core && edge.plan.from.port == output.spec.name {
                if output.isAbsent {
                    try checkMayVanish(edge)
                    remove(edge, &edges)
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
        throw GraphError([disagreement(on: edge, gives: format, takes: input.formats)].compactMap { $0 })
    }

    private func checkMayVanish(_ edge: Edge) throws {
        guard !edge.plan.isOptional else { return }
        throw diagnostic(
            edge.plan.position,
            "edge \"\(edge.plan.from) -> \(edge.plan.to)\": what \(edge.plan.from.node) opened has no \(edge.plan.from.port).",
            "Choose another input, or write the edge as {\"from\": \"\(edge.plan.from)\", \"to\": \"\(edge.plan.to)\", \"optional\": true}."
        )
    }

    private func checkSomethingIsLeft(_ cores: [NodeCore], of plan: SessionPlan) throws {
        guard cores.count == 1, plan.nodes.count > 1, cores[0].ports.outputs.contains(where: { !$0.isConnected }) else {
            return
        }
        guard !cores[0].ports.outputs.isEmpty, cores[0].ports.outputs.allSatisfy({ !$0.isConnected }) else { return }
        throw diagnostic(
            cores[0].plan.position, "\(cores[0].name) opened nothing that the graph uses, so no edge is left.",
            "Choose another input.")
    }

    private func remove(_ edge: Edge, _ edges: inout [Edge]) {
        edges.removeAll { $0 === edge }
        _ = edge.producer?.ports.output(edge.plan.from.port)?.detach(edge)
        edge.consumer?.ports.input(edge.plan.to.port)?.disconnect()
        edge.release()
    }

    /// What the nodes between the sources and this one add together, by the slowest path.
    private func pathLatency(to core: NodeCore, _ edges: [Edge]) -> Latency {
        var slowest = Latency.zero
        for edge in edges where edge.consumer === core {
            guard let producer = edge.producer, let output = producer.ports.output(edge.plan.from.port) else {
                continue
            }
            let path = producer.pathLatency + output.latency
            if path.max > slowest.max { slowest = path }
        }
        return slowest
    }

    /// The request that a loss on this edge goes to: that of its producer, else of whoever feeds it coded video.
    private func keyframeTarget(of edge: Edge) -> RequestInput? {
        var producer = edge.producer
        while let core = producer {
            let ports = core.portsFromOutside
            if let request = ports.controlInput("keyframe") as? RequestInput { return request }
            producer =
                ports.inputs.lazy.compactMap(\.edge).first { edge in
                    let format = edge.producer?.portsFromOutside.output(edge.plan.from.port)?.formatFromOutside
                    return format?.kind.hasDependentPackets ?? true
                }?.producer
        }
        return nil
    }

    /// The parent's lane takes the edge in while media run. A joiner of dependent packets starts at a keyframe, unless the
    /// output says otherwise.
    private func attach(_ edge: Edge) {
        guard let producer = edge.producer, let output = producer.portsFromOutside.output(edge.plan.from.port) else {
            return
        }
        if output.joinsAtKeyframe, output.formatFromOutside?.kind.hasDependentPackets == true, run.isRunning {
            edge.state.pointee.consumer.pointee.awaitsKeyframe = true
            edge.state.pointee.requestKeyframe()
        }
        let connect: @Sendable () -> Void = {
            if producer.isDone {
                edge.state.pointee.ring.finish()
                edge.consumer?.wake(.input)
            } else {
                producer.ports.output(edge.plan.from.port)?.connect(edge)
            }
        }
        if run.isRunning { producer.lane.perform(connect) } else { connect() }
    }

    private func diagnostic(_ position: SourcePosition?, _ message: String, _ advice: String = "") -> GraphError {
        GraphError([Diagnostic(file: run.plan.file, position: position, message, advice: advice)])
    }

    private func sentence(_ text: String) -> String { text.hasSuffix(".") ? text : text + "." }
}

/// Why an edge cannot carry `format`, with both ends named and what to put between; nil once its ends have let it go.
func disagreement(on edge: Edge, gives format: MediaFormat, takes formats: FormatSet) -> Diagnostic? {
    guard let producer = edge.producer, let consumer = edge.consumer else { return nil }
    let run = consumer.session.run
    return edge.plan.disagreement(
        gives: format, takes: formats, source: producer.plan, target: consumer.plan,
        edges: consumer.session.edges.map(\.plan), catalog: run.options.catalog ?? NodeTable([]), file: run.plan.file)
}
