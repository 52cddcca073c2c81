/// One processing step of a graph.
///
/// A type has three stages. `init()` does nothing: ports and parameters are stored properties, read off a fresh
/// instance. `prepare` opens resources and fixes output formats. `process` moves media: it is called on the node's
/// lane, never on two threads at once, when something that it waits for has happened, and must return soon (see
/// `NodeDescriptor.Work`). Time is an argument: a node reads no clock.
///
/// A node is woken by the start, by an input of which `next()` or `peek()` said that it is empty, and by room in an
/// output that was full. It is also woken by a time asked for with `NodeContext.wake(at:)`, a descriptor, a control, a
/// post. `NodeContext.reasons` says which.
public protocol Node: AnyObject, SendableMetatype {
    /// The type's name in graphs, its summary and how it wants to be run.
    static var descriptor: NodeDescriptor { get }

    /// Everything that the node counts: `inspect` and the documentation list it.
    static var metrics: [Metric] { get }

    /// True where the node with these parameters, defaults included, only fetches media that lie ready, as in a regular
    /// file. It then runs on the lane of the heavy node that it feeds, which finds them in its core's cache. Asked on
    /// the thread that builds the graph; it may look at files.
    static func onlyFetches(with parameters: [String: ParameterValue]) -> Bool

    /// Does nothing: ports, parameters and controls are stored properties, which the engine reads off the instance.
    init()

    /// Parameters are set and ports are connected. Runs on the thread that builds the graph, upstream nodes first. A
    /// throw ends the session before it started; throw `NodeError` to say what to do.
    func prepare(_ context: NodeContext) throws

    /// Moves what can be moved now. A throw ends the session, or restarts the node where the graph says so.
    func process(now: Instant) throws

    /// Every input has ended, or the graph stops and the node is a source: send what is left. Return false to be called
    /// again when woken, true when nothing is left; then the outputs end.
    func finish(now: Instant) throws -> Bool

    /// Ends a call that blocks `process`. From any thread; only for `work: .blocking`.
    func interrupt()

    /// Gives resources back. Called once on the lane, after the last `process` or `finish`, also after a failure.
    func close()
}

extension Node {
    public static var metrics: [Metric] { [] }
    public static func onlyFetches(with parameters: [String: ParameterValue]) -> Bool { false }
    public func prepare(_ context: NodeContext) throws {}
    public func finish(now: Instant) throws -> Bool { true }
    public func interrupt() {}
    public func close() {}
}
