/// The engine as a node's context asks it: in calls of the node, except where a member says otherwise.
protocol NodeEngine: EdgeEnd {
    /// The graph file's path.
    var graphFile: String { get }
    var isVirtual: Bool { get }
    /// The lane's time; before the start the graph's.
    var time: Instant { get }
    /// When the graph started.
    var started: Instant { get }
    /// It has not started: `prepare` is still to come, or runs.
    var isIdle: Bool { get }
    /// The calling thread is in a call of the node. From any thread.
    var isInCall: Bool { get }
    var isStopping: Bool { get }
    var telemetry: NodeTelemetry { get }
    var pipeBytes: Int? { get }

    func arm(at instant: Instant)
    func arm(aheadOf instant: Instant)
    func disarm()
    func watch(_ descriptor: Int32, _ interest: NodeContext.Interest) throws
    func unwatch(_ descriptor: Int32)
    func makeHandle() -> NodeContext.Handle

    /// Nanoseconds of the graph's clock. From any thread.
    var clockNow: Int64 { get }
    func noteEndless()
    /// nil in runs without a latency trace.
    var traceInstant: Instant? { get }
    func note(mark: String, pts: MediaTime, at instant: Instant)
    func nextSourceClock() -> UInt16

    /// Of the node's session. From any thread.
    var currentEpoch: UInt32 { get }
    /// This call goes on with the epochs of now.
    func seeEpochs()

    /// Its name in its session, as the file has it.
    var nameInSession: String { get }
    var isInInstance: Bool { get }
    var resource: (any Sendable)? { get }
    func start(
        _ template: String, _ parameters: [String: ParameterValue], resource: (any Sendable)?,
        after predecessor: NodeContext.Instance?
    ) -> NodeContext.Instance
    /// Why something behind `output` does not take `format`; nil where everything does.
    func refusal(of format: MediaFormat, at output: String) -> String?
    /// `input` refuses formats of which `rule` gives words.
    func refuse(at input: String, _ rule: @escaping @Sendable (MediaFormat) -> String?)
    func service<Wanted>(_ type: Wanted.Type) throws -> Wanted?
}
