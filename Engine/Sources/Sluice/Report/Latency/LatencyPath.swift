/// The way of the pictures through the places of a trace: from the node that first shows their numbers to where they
/// are seen last, and between, where the path leaves the graph, what a transport takes.
struct LatencyPath {
    /// A place, and what the time since the one before it was spent on.
    struct Step: Equatable {
        var place: Int
        var label: String
    }

    private let places: [LatencyTrace.Place]
    private let next: [Int: [Int]]
    /// Burnt-in numbers by place: number → pts.
    private let numbers: [Int: [Int: MediaTime]]
    private let firstSeen: [Int: Int64]
    private let isUsed: Set<Int>

    init(_ state: LatencyTrace.State) {
        places = state.places
        next = Dictionary(grouping: state.links, by: \.from).mapValues { $0.map(\.to) }
        var numbers: [Int: [Int: MediaTime]] = [:]
        var firstSeen: [Int: Int64] = [:]
        for point in state.points {
            if firstSeen[point.place] == nil { firstSeen[point.place] = point.at }
            if let number = point.number, numbers[point.place]?[number] == nil {
                numbers[point.place, default: [:]][number] = point.pts
            }
        }
        (self.numbers, self.firstSeen, isUsed) = (numbers, firstSeen, Set(firstSeen.keys))
    }

    /// The sending side, and the receiving one where numbers come back on a path of its own.
    struct Found {
        var sending: [Step]
        var sent: [Int: MediaTime]
        var receiving: [Step] = []
        var received: [Int: MediaTime] = [:]
    }

    /// nil where no numbers were seen.
    func find() -> Found? {
        let begins = places.indices.filter { isUsed.contains($0) && places[$0].role == .output && isSource($0) }
        let shown = begins.filter { numbers[$0] != nil }
        guard let first = shown.min(by: { firstSeen[$0]! < firstSeen[$1]! }), let sent = numbers[first] else {
            return nil
        }
        var found = Found(sending: steps(longest(from: first)), sent: sent)
        var best = 0
        for begin in begins where places[begin].node != places[first].node {
            let path = longest(from: begin)
            guard let reader = path.first(where: { numbers[$0] != nil }), let seen = numbers[reader] else { continue }
            let common = seen.keys.reduce(0) { $0 + (sent[$1] == nil ? 0 : 1) }
            guard common > best else { continue }
            best = common
            found.receiving = steps(path)
            found.received = seen
        }
        return found
    }

    /// Nothing comes to the node of this place.
    private func isSource(_ place: Int) -> Bool {
        !places.indices.contains {
            isUsed.contains($0) && places[$0].node == places[place].node && places[$0].role == .input
        }
    }

    /// Places with points from `place` on: where the path branches, to the node with marks, else the longest way.
    private func longest(from place: Int) -> [Int] {
        var seen: Set<Int> = []
        func walk(_ place: Int) -> [Int] {
            guard seen.insert(place).inserted else { return [place] }
            defer { seen.remove(place) }
            var best: [Int] = []
            for input in next[place] ?? [] where isUsed.contains(input) {
                var ways = [[input]]
                for output in places.indices
                where isUsed.contains(output) && places[output].role == .output
                    && places[output].node == places[input].node
                {
                    ways.append([input] + walk(output))
                }
                for way in ways where isBetter(way, than: best) { best = way }
            }
            return [place] + best
        }
        return walk(place)
    }

    private func isBetter(_ a: [Int], than b: [Int]) -> Bool {
        func rank(_ path: [Int]) -> (Int, Int) { (path.last.map { marks(of: $0).isEmpty ? 0 : 1 } ?? 0, path.count) }
        return rank(a) > rank(b)
    }

    /// In the order in which the node first made them.
    private func marks(of place: Int) -> [Int] {
        places.indices.filter {
            guard case .mark = places[$0].role, isUsed.contains($0) else { return false }
            return places[$0].node == places[place].node
        }
    }

    /// With the marks of the nodes on the way. The time between a node's last mark and its output belongs to that mark.
    private func steps(_ path: [Int]) -> [Step] {
        var steps: [Step] = []
        for place in path {
            let node = places[place].node
            switch places[place].role {
            case .input:
                steps.append(Step(place: place, label: "→ \(node)"))
                let isLast = place == path.last
                if isLast { for mark in marks(of: place) { steps.append(Step(place: mark, label: label(mark))) } }
            case .output:
                let inside = marks(of: place)
                for mark in inside.dropLast() { steps.append(Step(place: mark, label: label(mark))) }
                steps.append(Step(place: place, label: inside.last.map(label) ?? node))
            case .mark: break
            }
        }
        return steps
    }

    private func label(_ place: Int) -> String {
        guard case .mark(let name) = places[place].role else { return places[place].node }
        return "\(places[place].node): \(name)"
    }
}
