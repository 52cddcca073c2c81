/// One processing step of a graph.
///
/// A type has three stages. `init()` does nothing: ports and parameters are stored properties, read off a fresh
/// instance. `prepare` opens resources and fixes output formats. `process` moves media: it is called on the node's lane,
/// never on two threads at once, when something that it waits for has happened, and must return soon (see
/// `NodeDescriptor.Work`). Time is an argument: a node reads no clock.
///
/// What wakes a node: the start, an input of which `next()` or `peek()` said that it is empty, room in an output that
/// was full, a time asked for with `NodeContext.wake(at:)`, a descriptor, a control, a post. `NodeContext.reasons` says
/// which.
public protocol Node: AnyObject, SendableMetatype {
    static var descriptor: NodeDescriptor { get }

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
    public func prepare(_ context: NodeContext) throws {}
    public func finish(now: Instant) throws -> Bool { true }
    public func interrupt() {}
    public func close() {}
}

/// A failure of a node in words for its user: what happened, and what to do.
public struct NodeError: Error, CustomStringConvertible, Sendable {
    public let message: String
    public let advice: String
    /// The graph or the environment is wrong, not the run: exit status 2.
    public let isInputError: Bool

    public init(_ message: String, advice: String = "", isInputError: Bool = false) {
        self.message = message
        self.advice = advice
        self.isInputError = isInputError
    }

    public var description: String { advice.isEmpty ? message : "\(message)\n  \(advice)" }
}

/// Why a node was woken.
@frozen
public struct WakeReasons: OptionSet, Sendable, CustomStringConvertible {
    public let rawValue: UInt32
    @inlinable
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    @inlinable public static var start: WakeReasons { WakeReasons(rawValue: 1) }
    @inlinable public static var timer: WakeReasons { WakeReasons(rawValue: 2) }
    @inlinable public static var input: WakeReasons { WakeReasons(rawValue: 4) }
    @inlinable public static var room: WakeReasons { WakeReasons(rawValue: 8) }
    @inlinable public static var descriptor: WakeReasons { WakeReasons(rawValue: 16) }
    @inlinable public static var control: WakeReasons { WakeReasons(rawValue: 32) }
    @inlinable public static var post: WakeReasons { WakeReasons(rawValue: 64) }
    /// The session's epoch was raised.
    @inlinable public static var epoch: WakeReasons { WakeReasons(rawValue: 128) }
    /// The graph stops: a source is about to be asked to `finish`.
    @inlinable public static var stop: WakeReasons { WakeReasons(rawValue: 256) }
    /// The last dispatch used its budget up.
    @inlinable public static var more: WakeReasons { WakeReasons(rawValue: 512) }

    /// Everything sent before `OutputPort.placeFence` has left its edges.
    @inlinable public static var fence: WakeReasons { WakeReasons(rawValue: 1024) }

    public var description: String {
        let names = [
            "start", "timer", "input", "room", "descriptor", "control", "post", "epoch", "stop", "more", "fence",
        ]
        return names.enumerated().filter { rawValue & (1 << UInt32($0.offset)) != 0 }.map(\.element).joined(
            separator: "+")
    }
}
