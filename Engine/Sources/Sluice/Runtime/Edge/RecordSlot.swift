import Synchronization

/// Where a record arrives from any thread: all of its numbers under one lock, held only to copy them.
final class RecordSlot: Sendable {
    private struct State: Sendable {
        var values: [Double]
        var isNew = false
    }

    private let state: Mutex<State>

    init(fields: Int) { state = Mutex(State(values: Array(repeating: .nan, count: fields))) }

    /// `order` tells for each field of the receiver its place among the sender's; −1 where the sender has none.
    func put(_ values: [Double], in order: [Int]) {
        state.withLock { state in
            for index in state.values.indices {
                let place = index < order.count ? order[index] : -1
                state.values[index] = values.indices.contains(place) ? values[place] : .nan
            }
            state.isNew = true
        }
    }

    /// False if nothing came since the last call.
    func take(into values: inout [Double]) -> Bool {
        state.withLock { state in
            guard state.isNew else { return false }
            state.isNew = false
            for index in values.indices where index < state.values.count { values[index] = state.values[index] }
            return true
        }
    }
}
