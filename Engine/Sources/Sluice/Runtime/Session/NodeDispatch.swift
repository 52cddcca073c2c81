/// How one dispatch of a node leaves off, for the next one. Of the node's lane.
struct NodeTurn {
    /// Why it is to be dispatched again.
    var reasons: WakeReasons = []
    var isStopRequested = false
    /// `finish` has said that nothing is left; what it could not send may still wait.
    var isDrained = false
    var cost = NodeCost()
    var handOvers = HandOvers()
}

/// One dispatch of a node. On its lane.
extension NodeCore {
    /// One turn.
    func dispatch(now: Int64) {
        isQueued = false
        // The next instance is told of reasons that come before the start or between two instances.
        guard state == .running || state == .finishing else { return }
        enter()
        defer { exit() }
        var why = turn.reasons
        turn.reasons = []
        hot.pointee.now = Int(now)
        hot.pointee.budget = turn.cost.allowance
        seeEpochs()
        telemetry.dispatches.add(1)
        if why.contains(.epoch) { for input in ports.inputs { input.flushStale() } }
        if why.contains(.control) { for control in ports.controlInputs { control.handOver() } }
        if why.contains(.stop) { turn.isStopRequested = true }
        guard drainSpill() else {
            why.remove(.room)
            turn.reasons.formUnion(why)
            settle()
            return
        }
        context.reasons = why
        context.isAhead = why.contains(.timer) && now < aheadOf
        if context.isAhead { lane.begins(aheadOf: aheadOf) }
        do {
            if state == .running { try node.process(now: Instant(nanoseconds: now)) }
            if let fault = hot.pointee.fault { throw error(of: fault) }
            if state == .running && isAtEnd { state = .finishing }
            if state == .finishing, !turn.isDrained, hot.pointee.fullOutputs == 0 {
                turn.isDrained = try node.finish(now: Instant(nanoseconds: now))
            }
            if let fault = hot.pointee.fault { throw error(of: fault) }
            if lane.isVirtual { try noteHandOver(why) }
            if turn.isDrained && drainSpill() {
                complete()
                return
            }
        } catch {
            fail(error)
            return
        }
        if hot.pointee.budget <= 0 { wakeLocal(.more) }
        settle()
    }

    /// Throws where nodes answer each other's controls for ever at one instant.
    private func noteHandOver(_ why: WakeReasons) throws {
        guard why.contains(.control), why.isSubset(of: [.control, .more]), hot.pointee.budget == turn.cost.allowance
        else { return turn.handOvers.reset() }
        let sent = outputStates.reduce(0) { $0 + $1.pointee.sentCount.count }
        guard !turn.handOvers.note(at: lane.now, sent: sent) else { return }
        guard let loop = ControlLoop(session.run.sessions).names(from: name) else { return turn.handOvers.reset() }
        let time = decimal(Interval(nanoseconds: lane.now - session.run.startedAt).seconds, places: 3)
        throw NodeError(
            "was handed controls \(HandOvers.most) times at \(time) s while no media moved: "
                + "the control links \(loop.joined(separator: " -> ")) are a loop that lets no time pass",
            advice: "Let one of these nodes answer only what has changed, or at a later time.")
    }

    /// Nothing is left to be processed: the node said so, its inputs have ended, or it is a source and the graph stops.
    private var isAtEnd: Bool {
        if context.isFinishRequested { return true }
        if hot.pointee.isSource { return turn.isStopRequested }
        return inputStates.allSatisfy { $0.pointee.isEnded }
    }

    private func error(of fault: PortFault) -> any Error {
        hot.pointee.fault = nil
        return fault.error(in: self)
    }

    private func drainSpill() -> Bool {
        guard hot.pointee.fullOutputs != 0 else { return true }
        var isEmpty = true
        for output in ports.outputs where !output.drainSpill() { isEmpty = false }
        return isEmpty
    }

    /// A dispatch has taken so many nanoseconds. Virtual time stands still meanwhile, and nobody calls this there.
    func noteCost(_ elapsed: Int, at now: Int64) {
        telemetry.busy.add(elapsed)
        noteFirstSend(at: now)
        let items = turn.cost.allowance - hot.pointee.budget
        guard turn.cost.note(elapsed, items: items) else { return }
        hot.pointee.wakesEarly = turn.cost.isLong
        if turn.cost.isLong { settleWhereToRun(elapsed, items) }
    }

    /// Whether the lane that sends had better run this node itself. Asked of nodes that take long enough and have one
    /// producer: items of two come from two cores, and no one lane has them all.
    private func settleWhereToRun(_ elapsed: Int, _ items: Int) {
        guard inputStates.count == 1, let edge = inputStates[0].pointee.edge, !edge.pointee.isLocal else { return }
        let bytes = edge.pointee.consumer.pointee.goneBytes.count / max(1, edge.pointee.consumer.pointee.popped.count)
        let isCheaper = turn.cost.noteLarge(elapsed, items: items, bytes: bytes, isFetched: !lane.isLent)
        edge.pointee.consumer.pointee.isForProducer.set(isCheaper ? 1 : 0)
    }

    /// Its next dispatch may take long.
    var isLong: Bool { hot.pointee.wakesEarly }

    /// It is known to take less than to fetch its items from the core of the lane that sends them.
    var isForItsProducer: Bool {
        inputStates.count == 1 && inputStates[0].pointee.edge?.pointee.consumer.pointee.isForProducer.count == 1
    }

    /// It is known to take less than it costs to wake another thread for it.
    var isLendable: Bool { turn.cost.isLendable }

    func noteFirstSend(at now: Int64) {
        guard telemetry.firstSent.count == 0, outputStates.contains(where: { $0.pointee.sentCount.count > 0 }) else {
            return
        }
        telemetry.firstSent.set(Int(now))
    }

    /// The second half of both handshakes of `Ring`: announce, one fence for all edges of the node, look again.
    func settle() {
        var crosses = false
        for input in inputStates { crosses = input.pointee.announce() || crosses }
        for output in outputStates { crosses = output.pointee.announce() || crosses }
        if crosses { HardwareWord.fence() }
        for input in inputStates where input.pointee.lookAgain() { wakeLocal(.input) }
        for output in outputStates {
            let why = output.pointee.lookAgain()
            if !why.isEmpty { wakeLocal(why) }
        }
    }
}
