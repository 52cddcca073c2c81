/// First in, first out, without allocation once it has grown.
struct ReadyQueue {
    private var slots = ContiguousArray<Unmanaged<NodeCore>?>(repeating: nil, count: 16)
    private var head = 0
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    mutating func append(_ core: NodeCore) {
        if count == slots.count {
            let old = slots
            slots = ContiguousArray(repeating: nil, count: old.count * 2)
            for index in 0..<count { slots[index] = old[(head + index) & (old.count - 1)] }
            head = 0
        }
        slots[(head + count) & (slots.count - 1)] = .passRetained(core)
        count += 1
    }

    var first: NodeCore? { count > 0 ? slots[head]?.takeUnretainedValue() : nil }

    mutating func popFirst() -> NodeCore? {
        guard count > 0 else { return nil }
        let core = slots[head]?.takeRetainedValue()
        head = (head + 1) & (slots.count - 1)
        count -= 1
        return core
    }
}
