/// The order in which media pass the nodes of a session, and what stands against one.
struct MediaOrder {
    /// Every node once. Each edge leads to a later node unless it is part of a cycle or behind one.
    private(set) var order: [String] = []
    /// Each as the nodes it passes, beginning with the first in the file; one for each strongly connected part.
    private(set) var cycles: [[String]] = []

    init(nodes: [String], edges: [(String, String)]) {
        var targets: [String: [String]] = [:]
        var sources: [String: [String]] = [:]
        for (from, to) in edges {
            targets[from, default: []].append(to)
            sources[to, default: []].append(from)
        }
        order = Self.peel(nodes, from: sources, along: targets)
        guard order.count < nodes.count else { return }
        let reached = Set(order)
        let behind = nodes.filter { !reached.contains($0) }
        // Without what only follows a cycle, nearly all that is left lies on one.
        let tail = Set(Self.peel(behind, from: targets, along: sources))
        var remaining = behind.filter { !tail.contains($0) }
        while let first = remaining.first, cycles.count <= DiagnosticBag.limit {
            let allowed = Set(remaining)
            let forward = Self.reachable(from: first, along: targets, allowed)
            if let cycle = Self.shortestCycle(at: first, along: targets, allowed) { cycles.append(cycle) }
            let backward = Self.reachable(from: first, along: sources, allowed)
            let part = forward.intersection(backward).union([first])
            remaining.removeAll { part.contains($0) }
        }
        order += behind
    }

    /// Takes away nodes that nothing leads to any more (Kahn), in the order of `nodes` where there is a choice.
    private static func peel(
        _ nodes: [String], from sources: [String: [String]], along targets: [String: [String]]
    ) -> [String] {
        let present = Set(nodes)
        var pending: [String: Int] = [:]
        for node in nodes { pending[node] = (sources[node] ?? []).count { present.contains($0) } }
        var ready = nodes.filter { pending[$0] == 0 }
        var next = 0
        while next < ready.count {
            for target in targets[ready[next]] ?? [] where present.contains(target) {
                pending[target, default: 0] -= 1
                if pending[target] == 0 { ready.append(target) }
            }
            next += 1
        }
        return ready
    }

    private static func reachable(
        from start: String, along targets: [String: [String]], _ allowed: Set<String>
    ) -> Set<String> {
        var found: Set<String> = []
        var pending = [start]
        while let node = pending.popLast() {
            for target in targets[node] ?? [] where allowed.contains(target) && found.insert(target).inserted {
                pending.append(target)
            }
        }
        return found
    }

    private static func shortestCycle(
        at start: String, along targets: [String: [String]], _ allowed: Set<String>
    ) -> [String]? {
        var previous: [String: String] = [:]
        var queue = [start]
        var next = 0
        while next < queue.count {
            let node = queue[next]
            next += 1
            for target in targets[node] ?? [] where allowed.contains(target) {
                if target == start {
                    var cycle = [node]
                    while let last = cycle.last, last != start, let before = previous[last] { cycle.append(before) }
                    return cycle.reversed()
                }
                if previous[target] == nil {
                    previous[target] = node
                    queue.append(target)
                }
            }
        }
        return nil
    }
}
