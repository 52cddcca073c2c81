/// The node that holds another one up, found along the full edges behind it, and how long it takes for each item.
struct Bottleneck {
    let name: String
    let relief: String
    /// Seconds of its calls for each item; 0 where it took none.
    let cost: Double
    /// Seconds of media in each item; 0 where they are not known.
    let media: Double
    let noun: String
    let wait: NodeTelemetry.Wait?
    /// Its lane, and which part of the time that works.
    let lane: (name: String, load: Double)

    /// A full edge leads from the source to it.
    let holds: Bool

    /// `source` sends in real time and is late. `earlier` is the same run a moment ago: what was done since counts.
    init(of source: NodeSnapshot, in run: SnapshotIndex, since earlier: SnapshotIndex?) {
        var node = source
        var way: EdgeSnapshot?
        // Edges form no cycle; the bound is for snapshots that are not of a graph.
        for _ in run.snapshot.nodes {
            guard let full = run.fullEdge(from: node.identity.key), let next = run.node(full.identity.consumer)
            else { break }
            (node, way) = (next, full)
        }
        holds = way != nil
        let key = node.identity.key
        let edge = way ?? run.edges(from: key).first { _ in true }
        let before = earlier?.node(key)
        let edgeBefore = edge.flatMap { now in
            earlier?.edges(to: now.identity.consumer).first { $0.to == now.to }
        }
        name = node.name
        relief = node.identity.descriptor.relief
        noun = edge?.identity.noun ?? "item"
        wait = node.wait
        let taken = way == nil ? node.itemsOut : node.itemsIn
        let takenBefore = before.map { way == nil ? $0.itemsOut : $0.itemsIn } ?? 0
        let isNew = taken > takenBefore
        let count = isNew ? taken - takenBefore : taken
        let busy = isNew ? node.busy - (before?.busy ?? .zero) : node.busy
        cost = count > 0 ? busy.seconds / Double(count) : 0
        let popped = (edge?.popped ?? 0) - (edgeBefore?.popped ?? 0)
        let gone = (edge?.gone ?? .zero) - (edgeBefore?.gone ?? .zero)
        media =
            popped > 0
            ? gone.seconds / Double(popped) : edge.map { $0.popped > 0 ? $0.gone.seconds / Double($0.popped) : 0 } ?? 0
        let load = run.nodes(ofLane: node.identity.lane).reduce(0.0) { sum, other in
            let earlier = earlier?.node(other.identity.key)?.busy ?? .zero
            return sum + (other.busy - earlier).seconds
        }
        let length = (run.snapshot.time - (earlier?.snapshot.time ?? .zero)).seconds
        lane = (node.identity.lane, length > 0 ? load / length : 0)
    }

    /// It waits for somebody, or is too slow: more than a place where media happen to stand.
    var isCertain: Bool { wait != nil || isSlow }

    /// It works longer than it may for each item.
    var isSlow: Bool { wait == nil && media > 0 && cost > media * 0.9 }

    /// `vp8 takes 27.0 ms a picture and has 16.7`
    func words(_ takes: String = "takes", _ has: String = "has") -> String {
        func milliseconds(_ seconds: Double) -> String { decimal(seconds * 1e3, places: 1) }
        if let wait { return "\(name) \(has == "has" ? "waits" : "waited") for \(wait.what)" }
        let figures = "\(name) \(takes) \(milliseconds(cost)) ms a \(noun)"
        if isSlow { return "\(figures) and \(has) \(milliseconds(media))" }
        if lane.load > 0.9 { return "\(figures), and its lane \(lane.name) \(has) no more time" }
        return "\(name) \(takes) no more"
    }
}
