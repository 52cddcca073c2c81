/// The engine as a node sees it. Used on the node's lane, inside `prepare`, `process` and `finish`, except where it
/// says otherwise.
public final class NodeContext: @unchecked Sendable {
    unowned let engine: any NodeEngine
    /// Why `process` or `finish` was called.
    @exclusivity(unchecked) public internal(set) var reasons: WakeReasons = []
    /// The time asked for by `wake(aheadOf:)` has not come yet: the node is to make ready, and not to send.
    @exclusivity(unchecked) public internal(set) var isAhead = false
    @exclusivity(unchecked) private(set) var isFinishRequested = false
    private var watched: [Int32] = []
    /// Asked for in `prepare`, which does not run on the lane.
    private var asked: (wake: Instant?, again: Bool, watches: [(Int32, Interest)]) = (nil, false, [])
    /// This node for other threads: what callbacks hold, never the context. Another one after a restart.
    public private(set) var handle: Handle
    private var clock: UInt16 = 0

    init(_ engine: any NodeEngine) {
        self.engine = engine
        handle = engine.makeHandle()
    }

    /// Debug builds stop at a call from a thread that is in no call of the node. In virtual time all run on one, and
    /// the test that drives them too.
    private func mustBeInCall(_ call: StaticString = #function) {
        assert(
            engine.isInCall || engine.isVirtual,
            "\(handle.name): NodeContext.\(call) is for calls of the node; other threads use its handle")
    }

    /// The node's name in the run: `listener.1/pacer`.
    public var name: String { handle.name }
    /// Its name in its session, as the file has it: `pacer`.
    public var nameInSession: String { engine.nameInSession }
    /// Files and the like that a user names are relative to the working directory; this is the graph file's own.
    public var graphFile: String { engine.graphFile }
    /// Virtual time: output must not depend on the machine.
    public var isVirtual: Bool { engine.isVirtual }
    /// The lane's time; in `prepare` the graph's.
    public var now: Instant {
        engine.time
    }
    /// When the graph started, on its clock.
    public var started: Instant { engine.started }

    // MARK: Waking

    /// Wakes the node at `instant`, once. One time is kept: the last one asked for.
    public func wake(at instant: Instant) {
        mustBeInCall()
        if engine.isIdle { asked.wake = instant } else { engine.arm(at: instant) }
    }

    /// Wakes the node at `instant`, and where the lane can afford it up to a quarter of a millisecond before. Then
    /// `isAhead` is true: the node makes ready what it sends at `instant`, and asks for that time by `wake(at:)`. In
    /// virtual time, and on a lane with very many that ask, there is no call before `instant`.
    public func wake(aheadOf instant: Instant) {
        mustBeInCall()
        if engine.isIdle { asked.wake = instant } else { engine.arm(aheadOf: instant) }
    }

    /// Takes back the time asked for by `wake(at:)` or `wake(aheadOf:)`. Harmless where there is none.
    public func cancelWake() {
        mustBeInCall()
        if engine.isIdle { asked.wake = nil } else { engine.disarm() }
    }

    /// Wakes the node soon, behind the others of its lane: for one that works on in pieces.
    public func wakeAgain() {
        mustBeInCall()
        if engine.isIdle { asked.again = true } else { engine.wakeLocal(.more) }
    }

    /// Wakes the node while `descriptor` is ready (level-triggered) until `unwatch`. Throws where the kernel refuses.
    public func watch(_ descriptor: Int32, for interest: Interest) throws {
        mustBeInCall()
        guard !engine.isIdle else {
            asked.watches.append((descriptor, interest))
            return
        }
        try engine.watch(descriptor, interest)
        if !watched.contains(descriptor) { watched.append(descriptor) }
    }

    /// Ends `watch`; to be called before the descriptor is closed. Harmless where it is not watched.
    public func unwatch(_ descriptor: Int32) {
        asked.watches.removeAll { $0.0 == descriptor }
        guard watched.contains(descriptor) else { return }
        engine.unwatch(descriptor)
        watched.removeAll { $0 == descriptor }
    }

    /// The events that a descriptor is watched for.
    public struct Interest: OptionSet, Sendable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }
        /// Bytes, a connection or the end can be read.
        public static let readable = Interest(rawValue: 1)
        /// Bytes can be written.
        public static let writable = Interest(rawValue: 2)
    }

    /// A way in for messages from other threads: `capacity` of them, rounded up to a power of two, may wait. Make it in
    /// `prepare` and keep it.
    public func inbox<Message: Sendable>(of type: Message.Type, capacity: Int = 256) -> Inbox<Message> {
        Inbox(handle, capacity: capacity, engine.telemetry)
    }

    // MARK: Saying

    /// A line in the report's events, and on the terminal.
    public func log(_ level: EventLog.Level, _ text: String) { handle.log(level, text) }

    /// Names the thing that the node waits for just now, for the watchdog's sentence: "its peer". nil when it does not
    /// wait.
    public func isWaiting(for what: String?) {
        engine.telemetry.note(waitingFor: what, since: engine.clockNow)
    }

    /// How far this node's own time is behind the clock's, of one that sends in real time: media that it could not send
    /// when they were due. The run says which node holds it up. Costs no more than a store.
    public func isBehind(by time: Interval) { engine.telemetry.behind.set(Int(max(0, time.nanoseconds))) }

    /// For `sluice latency`: the node has just done `what` with the item of that pts, before the item goes on. Names
    /// what the time since the item came to the node, or since the last mark, was spent on: "mux". `instant` is when,
    /// where that was before the item was known. Costs nothing in other runs.
    public func mark(_ what: String, pts: MediaTime, at instant: Instant? = nil) {
        guard let at = instant ?? traceInstant else { return }
        engine.note(mark: what, pts: pts, at: at)
    }

    /// The clock, for a later `mark`; nil in runs that ask for none.
    public var traceInstant: Instant? { engine.traceInstant }

    /// A number for the report. Declare it in `Node.metrics`. In `prepare`; ask once and keep it.
    public func counter(_ name: String) -> Metric.Counter { engine.telemetry.counter(name) }
    /// The same, of one whose present value says something.
    public func gauge(_ name: String) -> Metric.Counter { engine.telemetry.counter(name) }
    /// Many numbers of one sort, as `Node.metrics` declares it. In `prepare`; ask once and keep it.
    public func histogram(_ name: String) -> Metric.Histogram { engine.telemetry.histogram(name) }
    /// A number over the run's time, for `sluice timing`. In `process`, when the time of the start is known; it takes
    /// 16 KB.
    public func series(_ name: String) -> Metric.Series { engine.telemetry.series(name, started: started) }

    /// Bytes that pipes of this node are to hold, where the graph's `lanes` say so.
    public var pipeBytes: Int? { engine.pipeBytes }

    /// The number of this node's clock, distinct in the run. A source stamps it on all of its items (`sourceClock`), so
    /// that a pacer of its audio and one of its video know that they belong together. From 1 on; 32,767 in a run, then
    /// they repeat.
    public var sourceClock: UInt16 {
        if clock == 0 { clock = engine.nextSourceClock() }
        return clock
    }

    /// `sourceClock` of a source whose media come as fast as they are taken. Their times count from their beginning, so
    /// those of several such sources are laid on each other (`Stretches`).
    public var unpacedClock: UInt16 { sourceClock | MediaItem.Header.unpaced }

    // MARK: The session

    /// The node has nothing more to send: `finish` is called next, then its outputs end.
    public func finish() { isFinishRequested = true }

    /// In `prepare`: what the node sends has no end of its own. Without a duration the run then says how to stop it,
    /// and virtual time, which would never end, refuses to begin.
    public func runsUntilStopped() { engine.noteEndless() }

    /// How often the node was restarted before this instance of it.
    public var restarts: Int { engine.telemetry.restarts.count }

    /// The graph is stopping.
    public var isStopping: Bool { engine.isStopping }

    /// The current epoch of the media that this node handles, the same in all of one call. A source stamps its items
    /// with it.
    public var epoch: UInt32 {
        let engine = engine
        return engine.isInCall ? engine.hot.pointee.epoch : engine.currentEpoch
    }

    /// Makes everything older stale at once, on every edge of the session that flushes. To `epoch`, or to one more than
    /// the current. False if `epoch` is not above the current one. This call of the node sees it at once, other nodes
    /// with their next one.
    @discardableResult
    public func raiseEpoch(to epoch: UInt32? = nil) -> Bool {
        guard handle.raiseEpoch(to: epoch) else { return false }
        if engine.isInCall { engine.seeEpochs() }
        return true
    }

    /// Starts an instance of a template of the graph. It is built on another thread; what goes wrong with it is an
    /// event, and ends that instance alone. `resource` reaches its nodes as `resource`. `after` names an instance that
    /// it takes the place of: it is built when that one has ended and given back its files and sockets.
    public func start(
        _ template: String, parameters: [String: ParameterValue] = [:], resource: (any Sendable)? = nil,
        after predecessor: Instance? = nil
    ) -> Instance {
        engine.start(template, parameters, resource: resource, after: predecessor)
    }

    /// The node belongs to an instance of a template, not to the graph itself.
    public var isInInstance: Bool { engine.isInInstance }

    /// The resource that the starter of this instance handed over.
    public var resource: (any Sendable)? { engine.resource }

    /// A service that some plugin provides, by its type: the instance of this session, of the run, or of the host, as
    /// its scope says. It is made when it is first asked for. nil if no plugin provides it; throws where it cannot be
    /// made. In `prepare`.
    public func service<Wanted>(_ type: Wanted.Type) throws -> Wanted? { try engine.service(type) }

    // MARK: Engine

    /// On the lane, when the node starts.
    func armWhatWasAskedInPrepare() throws {
        if let instant = asked.wake { wake(at: instant) }
        if asked.again { wakeAgain() }
        for (descriptor, interest) in asked.watches { try watch(descriptor, for: interest) }
        asked = (nil, false, [])
    }

    /// The node ends: no wake-up and no descriptor of it is left behind.
    func release() {
        engine.disarm()
        for descriptor in watched { engine.unwatch(descriptor) }
        watched = []
    }

    /// For the fresh instance of a restarted node.
    func renew() {
        release()
        isFinishRequested = false
        handle = engine.makeHandle()
    }
}
