/// Finds a snapshot's nodes and edges by what they belong to. Each list is made when it is first asked for: while
/// nothing stands still nobody asks.
final class SnapshotIndex {
    let snapshot: RunSnapshot

    private lazy var nodes = Dictionary(
        snapshot.nodes.indices.lazy.map { [snapshot] in (snapshot.nodes[$0].identity.key, $0) }
    ) { first, _ in first }
    private lazy var outgoing = Chains(count: snapshot.edges.count, keys: nodes.count) { [snapshot, nodes] in
        nodes[snapshot.edges[$0].identity.producer]
    }
    private lazy var incoming = Chains(count: snapshot.edges.count, keys: nodes.count) { [snapshot, nodes] in
        nodes[snapshot.edges[$0].identity.consumer]
    }
    private lazy var lanes = Dictionary(grouping: snapshot.nodes.indices) { [snapshot] in
        snapshot.nodes[$0].identity.lane
    }

    init(_ snapshot: RunSnapshot) { self.snapshot = snapshot }

    func node(_ key: NodeKey) -> NodeSnapshot? { nodes[key].map { snapshot.nodes[$0] } }

    func edges(from node: NodeKey) -> EdgesOfNode { EdgesOfNode(outgoing, nodes[node], snapshot) }
    func edges(to node: NodeKey) -> EdgesOfNode { EdgesOfNode(incoming, nodes[node], snapshot) }

    func nodes(ofLane lane: String) -> some Collection<NodeSnapshot> {
        (lanes[lane] ?? []).lazy.map { [snapshot] in snapshot.nodes[$0] }
    }

    /// The blocking edge that holds `node` up.
    func fullEdge(from node: NodeKey) -> EdgeSnapshot? {
        edges(from: node).first { $0.overflow == .block && $0.isRoomWanted }
    }
}

/// Edges by node in two arrays: for each node its first edge, for each edge the next one of the same node.
private struct Chains {
    private var first: [Int32]
    private var next: [Int32]

    init(count: Int, keys: Int, key: (Int) -> Int?) {
        first = Array(repeating: -1, count: keys)
        next = Array(repeating: -1, count: count)
        for edge in (0..<count).reversed() {
            guard let key = key(edge) else { continue }
            next[edge] = first[key]
            first[key] = Int32(edge)
        }
    }

    func first(of key: Int?) -> Int32 { key.map { first[$0] } ?? -1 }
    func next(after edge: Int32) -> Int32 { next[Int(edge)] }
}

/// The edges of one node in the snapshot's order.
struct EdgesOfNode: Sequence, IteratorProtocol {
    private let chains: Chains
    private let snapshot: RunSnapshot
    private var edge: Int32

    fileprivate init(_ chains: Chains, _ node: Int?, _ snapshot: RunSnapshot) {
        self.chains = chains
        self.snapshot = snapshot
        edge = chains.first(of: node)
    }

    mutating func next() -> EdgeSnapshot? {
        guard edge >= 0 else { return nil }
        defer { edge = chains.next(after: edge) }
        return snapshot.edges[Int(edge)]
    }
}
