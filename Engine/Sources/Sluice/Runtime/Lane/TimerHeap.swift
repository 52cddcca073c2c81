/// The nodes of a lane by the time that they asked to be woken at: a binary heap that knows each node's place, so that
/// arming, moving and cancelling cost a logarithm and nothing is left behind. Ties wake in the order of arming.
struct TimerHeap {
    private struct Entry {
        var at: Int
        var order: Int
        var core: Unmanaged<NodeCore>
    }

    private var entries: ContiguousArray<Entry> = []
    private var armed = 0

    var isEmpty: Bool { entries.isEmpty }
    /// Nanoseconds; `Int.max` when none is armed.
    var earliest: Int { entries.first?.at ?? .max }

    mutating func arm(_ core: NodeCore, at: Int) {
        armed += 1
        let entry = Entry(at: at, order: armed, core: .passUnretained(core))
        if core.timerIndex < 0 {
            core.timerIndex = entries.count
            entries.append(entry)
            raise(core.timerIndex)
        } else {
            entries[core.timerIndex] = entry
            raise(core.timerIndex)
            sink(core.timerIndex)
        }
    }

    mutating func cancel(_ core: NodeCore) {
        let index = core.timerIndex
        guard index >= 0 else { return }
        core.timerIndex = -1
        let last = entries.removeLast()
        guard index < entries.count else { return }
        place(last, at: index)
        raise(index)
        sink(last.core.takeUnretainedValue().timerIndex)
    }

    /// Takes the node whose time has come; nil when none has.
    mutating func popDue(_ now: Int) -> NodeCore? {
        guard let first = entries.first, first.at <= now else { return nil }
        let core = first.core.takeUnretainedValue()
        cancel(core)
        return core
    }

    private func precedes(_ a: Entry, _ b: Entry) -> Bool { a.at != b.at ? a.at < b.at : a.order < b.order }

    private mutating func place(_ entry: Entry, at index: Int) {
        entries[index] = entry
        entry.core._withUnsafeGuaranteedRef { $0.timerIndex = index }
    }

    private mutating func raise(_ start: Int) {
        var index = start
        let entry = entries[index]
        while index > 0, precedes(entry, entries[(index - 1) / 2]) {
            place(entries[(index - 1) / 2], at: index)
            index = (index - 1) / 2
        }
        place(entry, at: index)
    }

    private mutating func sink(_ start: Int) {
        var index = start
        let entry = entries[index]
        while true {
            var child = 2 * index + 1
            guard child < entries.count else { break }
            if child + 1 < entries.count, precedes(entries[child + 1], entries[child]) { child += 1 }
            guard precedes(entries[child], entry) else { break }
            place(entries[child], at: index)
            index = child
        }
        place(entry, at: index)
    }
}
