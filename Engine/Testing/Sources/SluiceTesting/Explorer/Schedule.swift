/// The search's stack: for each step of the present execution who could go, who went, and what is left to be tried.
///
/// An actor is a thread, or a thread's store buffer. An actor's clock says, for each other, the last step of it that
/// happened before what this one does next. Two steps race if they are dependent and nothing orders them but that.
struct Schedule {
    struct Node {
        var enabled: UInt64
        /// Actors whose next step leads only to schedules that were explored from an earlier sibling.
        var sleep: UInt64
        /// Actors that must be tried from here.
        var wanted: UInt64
        var done: UInt64 = 0
        var chosen: Int
        var access = Explorer.Access(kind: .local, cell: -1)
    }

    private var nodes: [Node] = []
    private(set) var depth = 0
    private var actorCount = 0
    private var threadCount = 0
    /// Steps before this one were taken in the execution before, and their races noted then.
    private var firstNew = 0
    private var clocks = ClockTable()
    /// By step.
    private var stepClocks = ClockTable()
    /// By word: of its last write, and of all reads since.
    private var writeClocks = ClockTable()
    private var readClocks = ClockTable()
    /// Row 0: of the step that is being taken; row 1: what orders it with those before.
    private var scratch = ClockTable()
    /// By word: its accesses in this execution, as steps.
    private var history: [[Int32]] = []

    mutating func begin(threads: Int) {
        depth = 0
        threadCount = threads
        actorCount = threads * 2
        clocks.reset(rows: actorCount, width: actorCount)
        scratch.reset(rows: 2, width: actorCount)
        stepClocks.reset(rows: 0, width: actorCount)
        writeClocks.reset(rows: 0, width: actorCount)
        readClocks.reset(rows: 0, width: actorCount)
        for index in history.indices where !history[index].isEmpty { history[index].removeAll(keepingCapacity: true) }
    }

    func clock(of actor: Int) -> [Int32] { clocks.row(actor) }

    /// The actor that goes next; nil if everything that could follow is known.
    mutating func choose(_ explorer: Explorer, _ enabled: UInt64) -> Int? {
        let isReduced = explorer.reduction == .partialOrder
        if depth == nodes.count {
            let sleep = isReduced ? sleepBelow(depth - 1, explorer) : 0
            let free = enabled & ~sleep
            guard free != 0 else { return nil }
            let first = free.trailingZeroBitCount
            nodes.append(
                Node(enabled: enabled, sleep: sleep, wanted: isReduced ? 1 << UInt64(first) : enabled, chosen: first))
        }
        let actor = nodes[depth].chosen
        nodes[depth].access = explorer.access(of: actor)
        depth += 1
        if isReduced { advanceClocks(explorer, actor) }
        return actor
    }

    /// Of those asleep at the step or tried there before, a thread that does not depend on the chosen one stays asleep.
    private func sleepBelow(_ index: Int, _ explorer: Explorer) -> UInt64 {
        guard index >= 0 else { return 0 }
        let node = nodes[index]
        var sleep: UInt64 = 0
        var rest = (node.sleep | node.done) & ~(1 << UInt64(node.chosen))
        while rest != 0 {
            let actor = rest.trailingZeroBitCount
            rest &= rest - 1
            // The sleeper has not moved since, so its next access is still the one that it slept with.
            if !explorer.access(of: actor).depends(on: node.access) && !isSameThread(actor, node.chosen) {
                sleep |= 1 << UInt64(actor)
            }
        }
        return sleep
    }

    /// A thread and its own buffer order each other.
    private func isSameThread(_ a: Int, _ b: Int) -> Bool { a % threadCount == b % threadCount }

    private mutating func advanceClocks(_ explorer: Explorer, _ actor: Int) {
        let access = nodes[depth - 1].access
        // The order of the step among others, apart from the word that it touches.
        scratch.copy(clocks, actor, to: 0)
        if actor >= threadCount {
            if let store = explorer.threads[actor - threadCount].buffer.first { scratch.merge(0, store.clock) }
        } else if access.isOrdered {
            scratch.merge(0, clocks, actor + threadCount)
        }
        let cell = access.cell
        if cell >= 0 {
            writeClocks.grow(to: cell + 1)
            readClocks.grow(to: cell + 1)
            while history.count <= cell { history.append([]) }
            if depth > firstNew { noteRaces(actor, access) }
            scratch.merge(0, writeClocks, cell)
            if access.kind == .write { scratch.merge(0, readClocks, cell) }
        }
        scratch[0, actor] = Int32(depth)
        clocks.copy(scratch, 0, to: actor)
        stepClocks.grow(to: depth)
        stepClocks.copy(scratch, 0, to: depth - 1)
        guard cell >= 0 else { return }
        history[cell].append(Int32(depth))
        if access.kind == .write {
            writeClocks.copy(scratch, 0, to: cell)
            readClocks.clear(cell)
        } else {
            readClocks.merge(cell, scratch, 0)
        }
    }

    /// The step being taken races with an earlier one if they depend on each other and nothing in between orders them.
    /// Then the other order is wanted too: somebody who leads to it must be tried from where the earlier step was
    /// taken. That is a thread that could begin what does not come after the earlier step, this one at its end (source
    /// sets: Abdulla, Aronsson, Jonsson, Sagonas, POPL 2014).
    private mutating func noteRaces(_ actor: Int, _ access: Explorer.Access) {
        scratch.repeatFirstRow()
        for step in history[access.cell].reversed() {
            let earlier = Int(step)
            let chosen = nodes[earlier - 1].chosen
            guard nodes[earlier - 1].access.depends(on: access) else { continue }
            if step > scratch[1, chosen] && !isSameThread(chosen, actor) { wantReversed(earlier, actor) }
            scratch.merge(1, stepClocks, earlier - 1)
        }
    }

    private mutating func wantReversed(_ step: Int, _ last: Int) {
        let earlier = nodes[step - 1]
        // Bit a: actor a has a step among those that do not come after the earlier one.
        var seen: UInt64 = 0
        var initials: UInt64 = 0
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: actorCount) { firsts in
            for later in step + 1...depth {
                let actor = later < depth ? nodes[later - 1].chosen : last
                let row = later < depth ? later - 1 : -1
                if row >= 0 && stepClocks[row, earlier.chosen] >= Int32(step) { continue }
                guard seen & (1 << UInt64(actor)) == 0 else { continue }
                var isFirst = true
                var rest = seen
                while rest != 0 {
                    let other = rest.trailingZeroBitCount
                    rest &= rest - 1
                    // The last step's clock is what orders it without its race.
                    if firsts[other] <= (row >= 0 ? stepClocks[row, other] : scratch[1, other]) { isFirst = false }
                }
                if isFirst { initials |= 1 << UInt64(actor) }
                seen |= 1 << UInt64(actor)
                firsts[actor] = Int32(later)
            }
        }
        initials &= earlier.enabled
        if initials != 0 && initials & earlier.wanted == 0 {
            nodes[step - 1].wanted |= 1 << UInt64(initials.trailingZeroBitCount)
        }
    }

    /// Moves to the next schedule; false if none is left.
    mutating func backtrack(_ reduction: Explorer.Reduction) -> Bool {
        while var node = nodes.popLast() {
            node.done |= 1 << UInt64(node.chosen)
            let left = node.wanted & node.enabled & ~node.done & ~node.sleep
            guard left != 0 else { continue }
            node.chosen = left.trailingZeroBitCount
            firstNew = nodes.count
            nodes.append(node)
            return true
        }
        return false
    }

    func description(_ names: [String]) -> String {
        nodes.prefix(depth).map { node in
            let name = names[node.chosen % threadCount] + (node.chosen >= threadCount ? "'s buffer" : "")
            return node.access.cell < 0 ? name : "\(name) \(node.access.kind) \(node.access.cell)"
        }.joined(separator: "; ")
    }
}

/// Rows of step numbers, one column for each actor.
struct ClockTable {
    private var values: [Int32] = []
    private var width = 0

    mutating func reset(rows: Int, width: Int) {
        self.width = width
        values.removeAll(keepingCapacity: true)
        grow(to: rows)
    }

    mutating func grow(to rows: Int) {
        while values.count < rows * width { values.append(0) }
    }

    subscript(row: Int, actor: Int) -> Int32 {
        get { values[row * width + actor] }
        set { values[row * width + actor] = newValue }
    }

    func row(_ row: Int) -> [Int32] { Array(values[row * width..<(row + 1) * width]) }

    mutating func copy(_ other: borrowing ClockTable, _ from: Int, to row: Int) {
        for index in 0..<width { values[row * width + index] = other.values[from * width + index] }
    }

    mutating func merge(_ row: Int, _ other: borrowing ClockTable, _ from: Int) {
        for index in 0..<width {
            values[row * width + index] = max(values[row * width + index], other.values[from * width + index])
        }
    }

    mutating func merge(_ row: Int, _ clock: [Int32]) {
        for index in 0..<min(width, clock.count) {
            values[row * width + index] = max(values[row * width + index], clock[index])
        }
    }

    /// Row 1 becomes row 0.
    mutating func repeatFirstRow() { for index in 0..<width { values[width + index] = values[index] } }

    mutating func clear(_ row: Int) { for index in 0..<width { values[row * width + index] = 0 } }
}
