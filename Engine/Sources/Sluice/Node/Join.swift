/// Hands out the items of several inputs in the order of their decoding times.
///
/// An input that has nothing is waited for, since its next item may be older than those that the others hold. After
/// `maxWait` the join goes on without it, says so once, and takes it in again when it speaks. Inputs that ended are not
/// waited for.
public struct Join<Item: MediaItem> {
    private let inputs: [Input<Item>]
    private var gathering: Gathering
    private var isSilent: [Bool]

    /// Declare `traits: .joins` in the node's descriptor, so that the engine checks the branches' depth.
    public init(_ inputs: [Input<Item>], maxWait: Interval) {
        self.inputs = inputs.filter(\.isConnected)
        gathering = Gathering(patience: maxWait)
        isSilent = Array(repeating: false, count: self.inputs.count)
    }

    /// The oldest item and its input; nil when one must be waited for (the node is woken then) or all have ended.
    public mutating func next(now: Instant, context: NodeContext) -> (input: Input<Item>, item: Item)? {
        var oldest: (index: Int, time: MediaTime)?
        var mustWait = false
        for index in inputs.indices {
            let input = inputs[index]
            if let head = input.peek() {
                isSilent[index] = false
                let time = head.header.dts.isKnown ? head.header.dts : head.header.pts
                if oldest == nil || time < oldest!.time { oldest = (index, time) }
            } else if !input.isEnded && !isSilent[index] {
                mustWait = true
            }
        }
        guard let oldest else {
            gathering.begin()
            return nil
        }
        switch gathering.look(now, isComplete: !mustWait) {
        case .complete: break
        case .wait(let until):
            context.wake(at: until)
            return nil
        case .incomplete:
            for index in inputs.indices
            where inputs[index].peek() == nil && !inputs[index].isEnded && !isSilent[index] {
                isSilent[index] = true
                context.log(
                    .warning,
                    "input \(inputs[index].name) sent nothing for \(Int(gathering.patience.milliseconds)) ms; going on without it"
                )
            }
        }
        gathering.begin()
        guard let item = inputs[oldest.index].next() else { return nil }
        return (inputs[oldest.index], item)
    }
}
