/// How a graph is to be run.
@_spi(Host) public struct RunOptions: Sendable {
    public var clock: ClockKind = .system
    /// Graph time after which the graph drains; nil runs until the media end or `stop()`.
    public var duration: Interval?
    /// How long a draining graph may stand still before the nodes that hold it are interrupted, then left.
    public var stopDeadline = Interval.seconds(5)
    /// The nodes that errors may propose to put between two others; nil proposes nothing.
    public var catalog: (any NodeCatalog)?
    /// Everything is prepared and about to run. On the supervisor's thread.
    public var onStart: (@Sendable (GraphRun) -> Void)?
    /// Each event as it happens, on the thread where it does, which may be a lane's: it must not wait. `Console.say`
    /// and `LineWriter` do not.
    public var onEvent: (@Sendable (EventLog.Event) -> Void)?
    /// Called on the supervisor's thread every `tickInterval` under the system clock.
    public var onTick: (@Sendable (GraphRun) -> Void)?
    public var tickInterval = Interval.milliseconds(500)
    /// Notes when each picture is where; nil does not, and costs nothing.
    public var latencyTrace: LatencyTrace?
    /// Instances that may wait to be built at a time, those that wait for another's end included. More are refused.
    public var startLimit = 4_096
    /// Lanes that the run may have at a time. Each is a thread and two descriptors.
    public var laneLimit = 1_024
    /// The answer that a test gives for the system when a lane of that name asks for a thread: 0, or errno.
    @_spi(Testing) public var threadRefusal: (@Sendable (_ lane: String) -> Int32)?

    public init() {}
}

@_spi(Host) public enum ClockKind: String, Sendable, CaseIterable { case system, virtual }
