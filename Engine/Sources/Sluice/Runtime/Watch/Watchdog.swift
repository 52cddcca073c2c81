import CSys

/// Says in one sentence why media stand still: a blocking edge that stays full, a node that waits, a call that does not
/// return. Once for each stall, and once when it is over.
struct Watchdog {
    private var full: [ObjectIdentifier: (since: Int64, popped: Int, isSaid: Bool)] = [:]
    private var saidWaiting: [ObjectIdentifier: Int64] = [:]
    /// Waits that the sentence of an edge has told of.
    private var saidHolding: [ObjectIdentifier: Int64] = [:]
    private var saidRunning: [ObjectIdentifier: Int64] = [:]

    static let patience: Int64 = 2_000_000_000

    mutating func look(_ run: GraphRun) {
        let now = run.supervisor.now
        for session in run.sessions {
            for edge in session.edges { look(at: edge, now, run) }
            for core in session.cores where !core.isDone { lookForWait(core, now, run) }
        }
        for lane in run.lanes { look(at: lane, now, run) }
    }

    private mutating func look(at edge: Edge, _ now: Int64, _ run: GraphRun) {
        let key = ObjectIdentifier(edge)
        guard let producer = edge.producer, let consumer = edge.consumer else {
            full[key] = nil
            return
        }
        let isFull = edge.overflow == .block && edge.state.pointee.ring.isRoomWanted && edge.held > 0
        guard isFull, full[key]?.popped == edge.popped || full[key] == nil else {
            if let stall = full.removeValue(forKey: key), stall.isSaid, !consumer.isDone {
                run.log(
                    .info, node: consumer.name,
                    "edge \(edge.from) -> \(edge.to) moves again after \(seconds(now - stall.since)) s")
            }
            return
        }
        let stall = full[key] ?? (now, edge.popped, false)
        full[key] = stall
        guard !stall.isSaid, now - stall.since >= Watchdog.patience, isRoot(consumer) else { return }
        full[key]?.isSaid = true
        let bound =
            edge.held >= edge.plan.capacity.items
            ? "\(min(edge.held, edge.plan.capacity.items)) of \(edge.plan.capacity.items) items"
            : edge.heldBytes * 2 > edge.plan.capacity.bytes
                ? "\(edge.heldBytes) of \(edge.plan.capacity.bytes) bytes"
                : "\(edge.heldMilliseconds) of \(edge.plan.capacity.milliseconds) ms"
        let reason = StallReason(of: consumer, at: now)
        saidWaiting[ObjectIdentifier(consumer)] = run.waitingState(of: consumer)?.since
        saidHolding[ObjectIdentifier(consumer)] = run.waitingState(of: consumer)?.since
        run.log(
            .warning, node: consumer.name,
            "edge \(edge.from) -> \(edge.to) full for \(seconds(now - stall.since)) s (\(bound), block): \(reason); \(producer.name) is held"
        )
    }

    /// Who is itself held by a full edge, or was spoken of already in this wait, says nothing new.
    private func isRoot(_ consumer: NodeCore) -> Bool {
        if let waiting = consumer.session.run.waitingState(of: consumer) {
            return saidHolding[ObjectIdentifier(consumer)] != waiting.since
        }
        return !consumer.ports.outputs.flatMap(\.edges).contains { edge in
            edge.plan.overflow == .block && edge.state.pointee.ring.isRoomWanted
        }
    }

    private mutating func lookForWait(_ core: NodeCore, _ now: Int64, _ run: GraphRun) {
        let key = ObjectIdentifier(core)
        guard let waiting = run.waitingState(of: core) else {
            if let since = saidWaiting.removeValue(forKey: key) {
                run.log(.info, node: core.name, "goes on after waiting \(seconds(now - since)) s")
            }
            return
        }
        guard now - waiting.since >= Watchdog.patience, saidWaiting[key] != waiting.since else { return }
        // The sentence of an edge that is full because of this says it too.
        let isHolding = core.portsFromOutside.inputs.contains { input in
            input.edge.flatMap { full[ObjectIdentifier($0)] }.map { !$0.isSaid } ?? false
        }
        guard !isHolding else { return }
        saidWaiting[key] = waiting.since
        run.log(
            .warning, node: core.name, "\(core.name) has waited for \(waiting.what) since \(wallTime(waiting.since))")
    }

    private mutating func look(at lane: Lane, _ now: Int64, _ run: GraphRun) {
        let node = lane.runningNode.load(ordering: .relaxed)
        let since = Int64(lane.runningSince.load(ordering: .relaxed))
        let key = ObjectIdentifier(lane)
        guard node != 0, now - since >= StallReason.callPatience else {
            saidRunning[key] = nil
            return
        }
        guard saidRunning[key] != since,
            let core = run.sessions.lazy.flatMap(\.cores).first(where: {
                UInt(bitPattern: Unmanaged.passUnretained($0).toOpaque()) == node
            }),
            core.plan.spec.descriptor.work != .blocking
        else { return }
        saidRunning[key] = since
        let others = run.sessions.flatMap(\.cores).filter { $0.lane === lane && $0 !== core }.count
        let held = others == 0 ? "" : "; \(others) other node\(others == 1 ? "" : "s") of lane \(lane.name) wait for it"
        run.log(.warning, node: core.name, "\(core.name) has been in one call for \(seconds(now - since)) s\(held)")
    }

    private func seconds(_ nanoseconds: Int64) -> String { decimal(Double(nanoseconds) / 1e9, places: 1) }
}

/// While the graph drains: whether anything still moves.
struct DrainWatch {
    enum Step { case interrupt, abandon }
    private var progress = -1
    private var stillSince: Int64 = 0
    private var isInterrupted = false

    mutating func look(_ run: GraphRun) -> Step? {
        guard run.isDraining else { return nil }
        let now = run.supervisor.now
        let moved = run.sessions.reduce(0) { sum, session in
            sum + session.edges.reduce(0) { $0 + $1.popped + $1.dropped + $1.flushed }
                + session.cores.filter(\.isDone).count
        }
        if moved != progress {
            progress = moved
            stillSince = now
            return nil
        }
        let still = now - stillSince
        if !isInterrupted && still >= run.options.stopDeadline.nanoseconds {
            isInterrupted = true
            stillSince = now
            return .interrupt
        }
        return isInterrupted && still >= 1_000_000_000 ? .abandon : nil
    }
}
