/// An instance as it was when it ended.
struct EndedSession: Sendable {
    let template: String
    let nodes: [NodeSnapshot]
    let edges: [EdgeSnapshot]
    /// Of each node: its name in the template, and its metrics, whose distributions add up.
    let parts: [(name: String, metrics: [(name: String, metric: NodeTelemetry.Named)])]

    init(_ session: Session) {
        let startedAt = session.run.startedAt
        template = session.template ?? ""
        nodes = session.cores.map { NodeSnapshot($0, startedAt: startedAt, .everything) }
        edges = session.edges.map { EdgeSnapshot($0, .everything) }
        parts = session.cores.map { ($0.plan.name, $0.telemetry.metrics) }
    }
}
