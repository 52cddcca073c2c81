import Synchronization

/// Makes one value of those that several instances of a template send to their parent. A value, and an instance that
/// leaves, cost the logarithm of the number of instances.
final class ControlCombiner: Sendable {
    private let how: ControlPlan.Combination
    private let cell: ControlCell
    private let values = Mutex<LeastOfMany>(LeastOfMany())

    init(_ how: ControlPlan.Combination, cell: ControlCell) {
        self.how = how
        self.cell = cell
    }

    /// A value that is no number counts for nothing.
    func set(_ value: Double, by member: Int) {
        guard !value.isNaN else { return }
        guard how == .min || how == .max else { return cell.post(value: value) }
        cell.post(value: sign * values.withLock { $0.set(sign * value, of: member) })
    }

    /// A session ends: a minimum or maximum is that of the others from now on.
    func leave(_ member: Int) {
        let left = values.withLock { $0.remove(member) ? $0.least : nil }
        if let left { cell.post(value: sign * left) }
    }

    private var sign: Double { how == .max ? -1 : 1 }
}

/// Values by member, of which the least is known: a heap that knows each member's place.
struct LeastOfMany {
    private var heap: [(value: Double, member: Int)] = []
    private var places: [Int: Int] = [:]

    var least: Double? { heap.first?.value }

    /// The least of all, with this one.
    mutating func set(_ value: Double, of member: Int) -> Double {
        if let place = places[member] {
            heap[place].value = value
            settle(place)
        } else {
            heap.append((value, member))
            places[member] = heap.count - 1
            settle(heap.count - 1)
        }
        return least ?? value
    }

    /// False if it had none.
    mutating func remove(_ member: Int) -> Bool {
        guard let place = places.removeValue(forKey: member) else { return false }
        let last = heap.removeLast()
        guard place < heap.count else { return true }
        heap[place] = last
        places[last.member] = place
        settle(place)
        return true
    }

    private mutating func settle(_ start: Int) {
        var place = start
        while place > 0, heap[place].value < heap[(place - 1) / 2].value {
            swap(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
        while true {
            var least = place
            for child in [2 * place + 1, 2 * place + 2]
            where child < heap.count && heap[child].value < heap[least].value {
                least = child
            }
            if least == place { return }
            swap(place, least)
            place = least
        }
    }

    private mutating func swap(_ a: Int, _ b: Int) {
        heap.swapAt(a, b)
        places[heap[a].member] = a
        places[heap[b].member] = b
    }
}
