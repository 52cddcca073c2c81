import CSys

/// The node's lane, its session and the run answer its context.
extension NodeCore: NodeEngine {
    private var run: GraphRun { session.run }

    var graphFile: String { run.plan.file }
    var isVirtual: Bool { lane.isVirtual }
    var time: Instant { Instant(nanoseconds: isIdle ? run.timeOfPreparation : lane.now) }
    var started: Instant { Instant(nanoseconds: run.startedAt) }
    var isIdle: Bool { state == .idle }
    var isStopping: Bool { session.isDraining }
    var pipeBytes: Int? { lane.plan.pipeBytes }

    func arm(at instant: Instant) { lane.arm(self, at: Int(instant.nanoseconds)) }
    func arm(aheadOf instant: Instant) { lane.arm(self, aheadOf: Int(instant.nanoseconds)) }
    func disarm() { lane.disarm(self) }
    func watch(_ descriptor: Int32, _ interest: NodeContext.Interest) throws {
        try lane.watch(descriptor, interest, for: self)
    }
    func unwatch(_ descriptor: Int32) { lane.unwatch(descriptor) }
    func makeHandle() -> NodeContext.Handle {
        NodeContext.Handle(self, place: session.template == nil ? nil : identity.place, run: run, session: session)
    }

    var clockNow: Int64 { run.clockNow }
    func noteEndless() { run.noteEndless(self) }
    var latencyTrace: LatencyTrace? { run.options.latencyTrace }
    var traceInstant: Instant? {
        latencyTrace.map { _ in Instant(nanoseconds: isVirtual ? lane.now : sys_monotonic_ns()) }
    }
    func note(mark: String, pts: MediaTime, at instant: Instant) {
        latencyTrace?.note(mark: mark, node: name, type: plan.spec.type, pts: pts, at: instant.nanoseconds)
    }
    func nextSourceClock() -> UInt16 { run.nextSourceClock() }

    var currentEpoch: UInt32 { session.epoch.current }
    var nameInSession: String { plan.name }
    var isInInstance: Bool { session.parent != nil }
    var resource: (any Sendable)? { session.resource }
    func start(
        _ template: String, _ parameters: [String: ParameterValue], resource: (any Sendable)?,
        after predecessor: NodeContext.Instance?
    ) -> NodeContext.Instance {
        run.startInstance(template, parameters, resource: resource, after: predecessor, from: session)
    }
    func refusal(of format: MediaFormat, at output: String) -> String? {
        session.refusal(of: format, from: EndPlan(node: plan.name, port: output))
    }
    func refuse(at input: String, _ rule: @escaping @Sendable (MediaFormat) -> String?) {
        session.refusals.set(EndPlan(node: plan.name, port: input), rule)
    }
    func service<Wanted>(_ type: Wanted.Type) throws -> Wanted? { try session.services.find(type) }
}

@_spi(Host) extension GraphRun: NodeLog {}

extension Session: EpochRaiser {}
