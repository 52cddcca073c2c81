/// Controls that are handed to a node at one instant of virtual time while no media move. Nodes that answer each
/// other's would do so for ever, since time stands still meanwhile. Pure.
struct HandOvers {
    static let most = 100_000
    private var instant = Int64.min
    private var sent = 0
    private var count = 0

    /// A call for controls alone, in which the node took no item; `sent` counts its items so far. False where it is one
    /// too many.
    mutating func note(at now: Int64, sent: Int) -> Bool {
        guard now == instant, sent == self.sent else {
            (instant, self.sent, count) = (now, sent, 1)
            return true
        }
        count += 1
        return count <= HandOvers.most
    }

    /// Media move, or nothing leads back to the node.
    mutating func reset() { count = 0 }
}

/// The way along control links from a node back to itself, through whatever sessions; names are those of the run.
struct ControlLoop {
    private var targets: [String: [String]] = [:]

    /// In virtual time, where everything is on one thread.
    init(_ sessions: some Sequence<Session>) {
        for session in sessions {
            for link in session.controls {
                guard let from = ControlLoop.name(link.from, session), let to = ControlLoop.name(link.to, session)
                else {
                    continue
                }
                targets[from, default: []].append(to)
            }
        }
    }

    private static func name(_ end: EndPlan, _ session: Session) -> String? {
        (end.isParent ? session.parent : session)?.qualified(end.node)
    }

    /// The shortest one, `a`, `b`, `a`; nil where there is none.
    func names(from node: String) -> [String]? {
        var ways = [[node]]
        var seen: Set<String> = []
        while !ways.isEmpty {
            let way = ways.removeFirst()
            for target in way.last.flatMap({ targets[$0] }) ?? [] {
                if target == node { return way + [node] }
                if seen.insert(target).inserted { ways.append(way + [target]) }
            }
        }
        return nil
    }
}
