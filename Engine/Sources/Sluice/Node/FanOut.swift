/// An output with any number of edges, that come and go while the graph runs: a relay's. Every item goes to all.
public final class FanOut<Item: MediaItem>: OutputPort, @unchecked Sendable {
    /// `formats` narrows what `Item` allows. `follows` names the input whose formats come out unchanged.
    public init(_ name: String, _ formats: FormatSet? = nil, follows: String? = nil) {
        super.init(
            PortSpec(name, formats ?? Item.possibleFormats, follows: follows, isMany: true, isOptional: true),
            of: Item.self, "FanOut")
    }

    /// As `Output.hasRoom`: no blocking edge is full, and the dispatch's budget is not used up.
    @inlinable
    public var hasRoom: Bool { state.pointee.hot.pointee.budget > 0 && !state.pointee.isFull }

    /// As `Output.send`, to every edge.
    @inlinable @inline(__always)
    public func send(_ item: consuming Item) { state.pointee.send(state.pointee.slot.word(of: item)) }
}
