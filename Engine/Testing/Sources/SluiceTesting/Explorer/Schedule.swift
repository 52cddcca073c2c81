/// The search's stack: for each step of the present execution who could go, who went, and what is left to be tried.
///
/// An actor is a thread, or a thread's store buffer. `clocks[a][b]` is the last step of b that happened before what a
/// does next, so a step i of b and a's next access race if they are dependent and i is above it.
struct Schedule {
    private struct Node {
        var enabled: UInt64
        /// Actors whose next step leads only to schedules that were explored from an earlier sibling.
        var sleep: UInt64
        /// Actors that must be tried from here.
        var wanted: UInt64
        var done: UInt64
        var chosen: Int
        var access: Explorer.Access
    }

    private var nodes: [Node] = []
    private(set) var depth = 0
    private var actorCount = 0
    private var threadCount = 0
    private var clocks: [[Int]] = []
    private var stepClocks: [[Int]] = []
    /// By word: its accesses in this execution as steps, and the clocks of the last write and of all reads since.
    private var history: [[Int]] = []
    private var writeClocks: [[Int]] = []
    private var readClocks: [[Int]] = []

    mutating func begin(threads: Int) {
        depth = 0
        threadCount = threads
        actorCount = threads * 2
        clocks = Array(repeating: Array(repeating: 0, count: actorCount), count: actorCount)
        for index in history.indices { history[index].removeAll(keepingCapacity: true) }
        for index in writeClocks.indices { (writeClocks[index], readClocks[index]) = ([], []) }
    }

    func clock(of actor: Int) -> [Int] { clocks[actor] }

    /// Who goes next; nil if everything that could follow is known.
    mutating func choose(_ explorer: Explorer, _ enabled: UInt64) -> Int? {
        if depth == nodes.count {
            let sleep = explorer.reduction == .partialOrder ? sleepBelow(depth - 1, explorer) : 0
            let free = enabled & ~sleep
            guard free != 0 else { return nil }
            let first: UInt64 = 1 << UInt64(free.trailingZeroBitCount)
            nodes.append(
                Node(
                    enabled: enabled, sleep: sleep, wanted: explorer.reduction == .partialOrder ? first : enabled,
                    done: 0, chosen: free.trailingZeroBitCount, access: Explorer.Access(kind: .local, cell: -1)))
        }
        let actor = nodes[depth].chosen
        nodes[depth].access = explorer.access(of: actor)
        depth += 1
        advanceClock(explorer, actor)
        return actor
    }

    /// Of those asleep at the step or tried there before, whoever does not depend on what was chosen stays asleep.
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

    /// The step just taken races with an earlier one if they depend on each other and nothing in between orders them. Then
    /// the other order is wanted too: somebody who leads to it must be tried from where the earlier step was taken. That
    /// is whoever could begin what does not come after the earlier step, this one at its end (source sets: Abdulla,
    /// Aronsson, Jonsson, Sagonas, POPL 2014).
    private mutating func noteRaces(_ actor: Int, before: [Int]) {
        let access = nodes[depth - 1].access
        var ordered = before
        for step in history[access.cell].reversed() {
            let node = nodes[step - 1]
            guard node.access.depends(on: access) else { continue }
            if step > ordered[node.chosen] && !isSameThread(node.chosen, actor) { wantReversed(step) }
            join(&ordered, stepClocks[step - 1])
        }
    }

    private mutating func wantReversed(_ step: Int) {
        let earlier = nodes[step - 1]
        var firsts = Array(repeating: Int.max, count: actorCount)
        var initials: UInt64 = 0
        for later in step + 1...depth {
            let actor = nodes[later - 1].chosen
            let clock = stepClocks[later - 1]
            if later < depth && clock[earlier.chosen] >= step { continue }
            guard firsts[actor] == .max else { continue }
            if !(0..<actorCount).contains(where: { firsts[$0] <= clock[$0] }) { initials |= 1 << UInt64(actor) }
            firsts[actor] = later
        }
        initials &= earlier.enabled
        if initials != 0 && initials & earlier.wanted == 0 {
            nodes[step - 1].wanted |= 1 << UInt64(initials.trailingZeroBitCount)
        }
    }

    private mutating func advanceClock(_ explorer: Explorer, _ actor: Int) {
        let access = nodes[depth - 1].access
        let before = orderedBefore(explorer, actor, clocks[actor])
        var clock = before
        if access.cell >= 0 {
            while history.count <= access.cell {
                history.append([])
                writeClocks.append([])
                readClocks.append([])
            }
            join(&clock, writeClocks[access.cell])
            if access.kind == .write { join(&clock, readClocks[access.cell]) }
        }
        clock[actor] = depth
        clocks[actor] = clock
        if stepClocks.count < depth { stepClocks.append(clock) } else { stepClocks[depth - 1] = clock }
        guard access.cell >= 0 else { return }
        if explorer.reduction == .partialOrder { noteRaces(actor, before: before) }
        history[access.cell].append(depth)
        if access.kind == .write {
            writeClocks[access.cell] = clock
            readClocks[access.cell] = []
        } else {
            join(&readClocks[access.cell], clock)
        }
    }

    /// What happened before an actor's step by other ways than through the word that it touches.
    private func orderedBefore(_ explorer: Explorer, _ actor: Int, _ own: [Int]) -> [Int] {
        var clock = own
        if actor >= threadCount {
            if let store = explorer.threads[actor - threadCount].buffer.first { join(&clock, store.clock) }
        } else if nodes[depth - 1].access.isOrdered {
            join(&clock, clocks[actor + threadCount])
        }
        return clock
    }

    private func join(_ clock: inout [Int], _ other: [Int]) {
        if clock.isEmpty { clock = other }
        for index in other.indices where other[index] > clock[index] { clock[index] = other[index] }
    }

    /// Moves to the next schedule; false if none is left.
    mutating func backtrack(_ reduction: Explorer.Reduction) -> Bool {
        while var node = nodes.popLast() {
            node.done |= 1 << UInt64(node.chosen)
            let left = node.wanted & node.enabled & ~node.done & ~node.sleep
            guard left != 0 else { continue }
            node.chosen = left.trailingZeroBitCount
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
