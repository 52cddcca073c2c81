/// The part that every output shares. Created as a stored property of a node; connected by the engine.
public class OutputPort: @unchecked Sendable {
    /// The port as validation sees it.
    @_spi(Host) public let spec: PortSpec
    @usableFromInline let state: UnsafeMutablePointer<OutputState>
    /// Its class and its formats do not fit each other: why, and what to do. Nodes with such a port are not made.
    let misfit: String?

    init(_ spec: PortSpec, of type: MediaItem.Type, _ port: String) {
        self.spec = spec
        misfit = spec.misfit(port, type)
        state = .allocate(capacity: 1)
        state.initialize(to: OutputState())
    }

    deinit {
        state.deinitialize(count: 1)
        state.deallocate()
    }

    /// As the graph writes it: `in`, `out`, `video`.
    public final var name: String { spec.name }

    /// At least one edge leads from it just now.
    public final var isConnected: Bool { state.pointee.live > 0 }
    /// The source that `prepare` opened has no such stream: optional edges vanish, others fail with both ends named.
    public private(set) final var isAbsent = false
    /// The format fixed in `prepare` or sent last; nil while open.
    public final var format: MediaFormat? { state.pointee.format }

    /// Fixes the format of what is going to be sent. In `prepare`; later the items' own formats tell.
    public final func fix(_ format: MediaFormat) { state.pointee.note(format) }

    /// In `prepare`: there is no such stream.
    public final func markAbsent() { isAbsent = true }

    /// Items sent that the next node has not taken: those waiting in this port and on the fullest of its edges. The
    /// next node may take some while this is looked at.
    public final var depth: Int { (edges.map(\.held).max() ?? 0) + state.pointee.spill.count }

    /// Where an edge of packets that depend on each other begins that comes in mid-stream: at a keyframe, which is
    /// asked for, or with the next packet whatever it is. In `prepare`.
    public final var beginsAtKeyframe = true

    /// How long media stay in the node on the way to this output, at least and at most. In `prepare`.
    public final var latency: Interval.Bounds = .zero

    /// No more items come. The engine calls it when the node is done; a node may end one of several outputs earlier.
    public final func end() {
        state.pointee.endsAfterSpill = !state.pointee.spill.isEmpty
        guard !state.pointee.endsAfterSpill else { return }
        for edge in edges {
            edge.state.pointee.ring.finish()
            edge.consumerEnd?.wake(.input)
        }
    }

    /// Asks to be woken, with `.fence`, when everything sent so far has left the edges: taken by the next node, dropped
    /// or flushed. One fence is kept, the last; on an output without edges it is passed at once. The next node sees it
    /// too, as `InputPort.takeFence`.
    public final func placeFence() { state.pointee.placeFence() }

    /// Everything sent before the last `placeFence` has left the edges.
    public final var isFencePassed: Bool { state.pointee.isFencePassed }
}

/// A media output with at most one edge. Only the node's own lane uses it, inside `process` and `finish`.
public final class Output<Item: MediaItem>: OutputPort, @unchecked Sendable {
    /// `formats` narrows what `Item` allows. `follows` names the input whose formats come out unchanged. `optional`
    /// outputs may be left unconnected; what is sent to them is dropped.
    public init(
        _ name: String, _ formats: FormatSet? = nil, variants: [FormatSet.Variant] = [], follows: String? = nil,
        optional: Bool = false
    ) {
        super.init(
            PortSpec(
                name, formats ?? Item.possibleFormats, variants: variants, follows: follows, isOptional: optional),
            of: Item.self, "Output")
    }

    /// The edge is not full and the dispatch's budget not used up. For nodes that make items of their own; where
    /// `Input.next` drives, a full output holds the inputs by itself.
    @inlinable
    public var hasRoom: Bool { state.pointee.hot.pointee.budget > 0 && !state.pointee.isFull }

    /// Sends `item`, which nobody may change from now on. A full blocking edge lets it wait in the node, which is not
    /// called again before it went out. 1,000 items or 512 MiB may wait; a node that sends more fails.
    @inlinable @inline(__always)
    public func send(_ item: consuming Item) { state.pointee.send(state.pointee.slot.word(of: item)) }
}
