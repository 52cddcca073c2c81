/// How a node begins, ends, and is replaced by a fresh one. On its lane, where nothing else is said.
extension NodeCore {
    /// On the thread that builds.
    func prepare() throws {
        enter()
        defer { exit() }
        seeEpochs()
        hot.pointee.isSource = !ports.inputs.contains { $0.isConnected }
        hot.pointee.now = Int(context.now.nanoseconds)
        try node.prepare(context)
        telemetry.latency = ports.outputs.first?.latency ?? .zero
    }

    /// Once.
    func start() {
        guard state == .idle else { return }
        enter()
        defer { exit() }
        state = .running
        do { try context.armWhatWasAskedInPrepare() } catch { return fail(error) }
        wakeLocal(.start)
    }

    /// `finish` has said that nothing is left, and nothing waits for room.
    func complete() {
        leave()
        state = .finished
        session.noteDone(self, error: nil)
    }

    /// It has thrown: the session restarts it, or ends.
    func fail(_ error: any Error) {
        if session.mayRestart(self, after: error) {
            state = .restarting
            context.release()
            node.close()
            context.handle.close()
            // It is not dispatched again soon: a producer that waits for room is told now.
            hot.pointee.budget = turn.cost.allowance
            hot.pointee.fault = nil
            settle()
            session.noteRestart(self, error: error)
            return
        }
        leave()
        state = .failed
        session.noteDone(self, error: error)
    }

    /// Ends the outputs, lets the inputs go, gives the node's resources back. The node counts as done only afterwards:
    /// one that blocks in `close` is named as it would be in any other call.
    private func leave() {
        context.release()
        context.isWaiting(for: nil)
        node.close()
        context.handle.close()
        for output in ports.outputs { output.end() }
        for input in ports.inputs { input.close() }
        for control in ports.controlOutputs { control.links.removeAll() }
    }

    /// From a session that is torn down or failed: as if the node had finished.
    func abandon() {
        guard !isDone else { return }
        enter()
        defer { exit() }
        leave()
        state = .failed
        session.noteDone(self, error: nil)
    }

    /// A fresh instance takes over the edges and what the inputs held.
    func replace() {
        guard state == .restarting else { return }
        enter()
        defer { exit() }
        let fresh = type(of: node).init()
        let old = become(fresh, with: NodePorts(of: fresh))
        ports.bind(self)
        ports.takeOver(from: old)
        old.release()
        context.renew()
        seeEpochs()
        do {
            try node.prepare(context)
            telemetry.latency = ports.outputs.first?.latency ?? .zero
            state = .running
            for output in ports.outputs { output.markDiscontinuity() }
            wakeLocal(.start)
        } catch {
            state = .running
            fail(error)
        }
    }

    /// On the thread that builds: the node was prepared, and is not to run.
    func giveBack() {
        enter()
        defer { exit() }
        node.close()
    }
}
