/// The state that the ports and edges of a node share in one dispatch of it: plain memory that only the node's lane
/// touches.
@usableFromInline struct DispatchState {
    /// Items that the node may still take, or send if it is a source, in this dispatch.
    @usableFromInline var budget = 0
    /// Outputs that are full: while there are any, inputs hand nothing out.
    @usableFromInline var fullOutputs = 0
    /// The lane's time at the start of the dispatch, in nanoseconds.
    @usableFromInline var now = 0
    /// The present epoch of the node's session as this dispatch sees it.
    @usableFromInline var epoch: UInt32 = 0
    @usableFromInline var isSource = false
    /// Dispatches take long enough for the other ends of the node's edges to be woken in the middle of one.
    @usableFromInline var wakesEarly = true
    /// The node fails with this after the dispatch: a port met what it cannot hand on.
    var fault: PortFault?

    /// Stands in until a port is bound to a node.
    @usableFromInline nonisolated(unsafe) static let idle: UnsafeMutablePointer<DispatchState> = {
        let state = UnsafeMutablePointer<DispatchState>.allocate(capacity: 1)
        state.initialize(to: DispatchState())
        return state
    }()

    @inlinable @inline(__always)
    var mayTake: Bool { budget > 0 && fullOutputs == 0 }
    @inlinable @inline(__always)
    mutating func spend() { if isSource { budget &-= 1 } }

    /// The first fault of a dispatch is the one that is told. Nothing more is handed out.
    mutating func fail(_ new: PortFault) {
        fault = fault ?? new
        budget = 0
    }
}

/// Why a node fails although it threw nothing.
enum PortFault {
    /// An item came whose format the input does not take.
    case format(MediaFormat, at: UnsafeMutablePointer<EdgeState>, takes: FormatSet)
    /// An item came whose class is not that of its format, or of the input.
    case itemClass(MediaItem, at: UnsafeMutablePointer<EdgeState>, takes: MediaItem.Type)
    /// The node sent so much onto a full edge.
    case overfull(items: Int, bytes: Int, at: UnsafeMutablePointer<EdgeState>?)
}
