/// The part that every input shares, whatever it carries. Created as a stored property of a node; connected by the
/// engine.
public class InputPort: @unchecked Sendable {
    /// The port as validation sees it.
    @_spi(Host) public let spec: PortSpec
    @usableFromInline let state: UnsafeMutablePointer<InputState>
    /// nil while the graph leaves the port unconnected, and after it was detached.
    final var edge: Edge?
    /// Its class and its formats do not fit each other: why, and what to do. Nodes with such a port are not made.
    let misfit: String?

    init(_ spec: PortSpec, of type: MediaItem.Type) {
        self.spec = spec
        misfit = spec.misfit("Input", type)
        state = .allocate(capacity: 1)
        state.initialize(to: InputState(takes: spec.formats, in: type))
    }

    deinit {
        state.deinitialize(count: 1)
        state.deallocate()
    }

    /// As the graph writes it: `in`, `out`, `video`.
    public final var name: String { spec.name }

    /// The graph connects this port.
    public final var isConnected: Bool { edge != nil }

    /// All media were taken and no more come; also true while unconnected.
    @inlinable public final var isEnded: Bool { state.pointee.isEnded }

    /// True once where the producer has placed a fence, everything before it was handed out and nothing has come since:
    /// what the node holds back for more should go out. Look after `next()` has returned nil; the fence wakes the node.
    public final func takeFence() -> Bool {
        guard let edge = state.pointee.edge, state.pointee.peeked == nil else { return false }
        return edge.pointee.takeFence()
    }

    /// The format that the producer fixed in its `prepare`, then the format of the last item handed out. nil while
    /// unknown.
    public final var format: MediaFormat? { state.pointee.handedOut ?? state.pointee.announced }

    /// The last item handed out has another format than the one before, or is the first.
    @inlinable
    public final var formatChanged: Bool { state.pointee.formatChanged }

    /// When the last item that was handed out or peeked at was pushed on its edge, by the lane of the node before.
    @inlinable
    public final var arrival: Instant { Instant(nanoseconds: Int64(state.pointee.arrival)) }

    /// Items waiting on the edge, and in this port.
    public final var depth: Int { edge?.held ?? 0 }
    /// Media waiting on the edge.
    public final var depthTime: MediaTime { MediaTime.milliseconds(Int64(edge?.heldMilliseconds ?? 0)) }
    /// The edge's bounds; nil while unconnected.
    public final var capacity: EdgePolicy.Capacity? { edge?.plan.capacity }
    /// The policy of the edge when it is full; nil while unconnected.
    public final var overflow: EdgePolicy.Overflow? { edge?.overflow }
    /// Items that the edge lost so far.
    public final var dropped: Int { edge?.dropped ?? 0 }

    /// Asks the nearest node before this one that makes keyframes for one, as the edge does after a loss: what came
    /// could not be used. Nothing happens where no node before has a request `keyframe`.
    public final func askForKeyframe() { edge?.state.pointee.requestKeyframe() }
}

/// A media input. Only the node's own lane uses it, inside `process` and `finish`.
public final class Input<Item: MediaItem>: InputPort, @unchecked Sendable {
    /// `formats` narrows what `Item` allows; `optional` inputs may be left unconnected. With a `buffer` the
    /// edge is the node's buffer: unless the graph says otherwise it holds so much, and drops rather than blocks when
    /// it is full, the oldest or to a keyframe.
    public init(
        _ name: String, _ formats: FormatSet? = nil, variants: [FormatSet.Variant] = [], optional: Bool = false,
        buffer: EdgePolicy.Capacity? = nil
    ) {
        super.init(
            PortSpec(
                name, formats ?? Item.possibleFormats, variants: variants, isOptional: optional, buffer: buffer),
            of: Item.self)
    }

    /// The next item. nil when the input is empty: a later one wakes the node. nil when an output of the node is full:
    /// room wakes it. nil when the dispatch's budget is used up: the node is called again after the others.
    ///
    /// After an item of a format or a class that the port does not take it is nil too, and the node fails.
    @inlinable @inline(__always)
    public func next() -> Item? {
        let state = self.state
        guard state.pointee.hot.pointee.mayTake, let item = state.pointee.advance() else { return nil }
        state.pointee.hot.pointee.budget &-= 1
        if state.pointee.isAsBefore(item) {
            state.pointee.formatChanged = false
        } else {
            guard state.pointee.hasAdmitted(item) || state.pointee.admit(item) else { return nil }
            state.pointee.note(item.format)
        }
        return unsafeDowncast(item, to: Item.self)
    }

    /// The item that `next` would hand out in this dispatch, without taking it; nil where `next` would give nil for
    /// emptiness. It stays the same until `next` takes it, or the node itself raises the epoch.
    public func peek() -> Item? {
        guard let item = state.pointee.look() else { return nil }
        guard state.pointee.hasAdmitted(item) || state.pointee.admit(item) else {
            state.pointee.dropPeeked()
            return nil
        }
        return unsafeDowncast(item, to: Item.self)
    }
}
