import Sluice

/// The counts of the port as metrics of a node. On its lane.
struct PortMetrics {
    private let peers, pending, strange, limited, refused: Metric.Counter

    init(_ context: NodeContext) {
        peers = context.gauge("port_peers_total")
        pending = context.gauge("port_connecting_total")
        strange = context.counter("port_strange_datagrams")
        limited = context.counter("port_checks_limited")
        refused = context.counter("port_checks_refused")
    }

    func show(_ counts: PortCounts) {
        peers.set(counts.peers)
        pending.set(counts.pending)
        strange.set(counts.strange)
        limited.set(counts.checksLimited)
        refused.set(counts.checksRefused)
    }

    static var declared: [Metric] {
        [
            .gauge("port_peers_total", "Peers that the port knows, of this node and of others."),
            .gauge("port_connecting_total", "Peers of the port that are not connected yet."),
            .counter("port_strange_datagrams", "Datagrams at the port from where no check has proved a peer."),
            .counter("port_checks_limited", "Checks at the port that were refused because too many came."),
            .counter("port_checks_refused", "Checks at the port that name no peer, or have a wrong password."),
        ]
    }
}
