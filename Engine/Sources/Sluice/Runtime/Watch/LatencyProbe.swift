import CSys

/// Notes when items pass, and hands them on.
final class LatencyProbe: Node {
    static let descriptor = NodeDescriptor("latency-probe", summary: "Notes when pictures pass")

    let input = Input<MediaItem>("in")
    let output = Output<MediaItem>("out", follows: "in")
    @Parameter("place", default: 0, help: "The place in the trace that this probe marks.") var place: Int
    @Parameter("reads_number", default: false, help: "Looks for the number in raw video.") var readsNumber: Bool
    private var context: NodeContext!
    private var trace: LatencyTrace?

    init() {}

    func prepare(_ context: NodeContext) {
        self.context = context
        trace = (context.engine as? NodeCore)?.latencyTrace
    }

    func process(now: Instant) {
        while let item = input.next() {
            if let trace, item.format.kind.isVideo {
                let at = context.isVirtual ? now.nanoseconds : sys_monotonic_ns()
                let picture = readsNumber ? item as? VideoFrame : nil
                trace.note(
                    LatencyTrace.Point(
                        place: place, pts: item.header.pts, at: at, number: picture.flatMap(VideoFrame.NumberCode.read),
                        captured: item.header.captured.nanoseconds))
            }
            output.send(item)
        }
    }
}

extension SessionPlan {
    /// The same with a probe at both ends of every edge that may carry video. `lane` tells on which lane a node runs;
    /// `qualified` names a node in the run.
    func traced(
        by trace: LatencyTrace, lane: (EndPlan) -> String, node: (EndPlan) -> (name: String, plan: NodePlan)?
    ) -> SessionPlan {
        var result = self
        result.edges = []
        for edge in edges {
            guard edge.formats.patterns.contains(where: \.kind.isVideo), let from = node(edge.from),
                let to = node(edge.to)
            else {
                result.edges.append(edge)
                continue
            }
            let output = trace.place(.init(node: from.name, type: from.plan.spec.type, role: .output))
            let input = trace.place(.init(node: to.name, type: to.plan.spec.type, role: .input))
            trace.link(output, input)
            var first = edge
            var middle = edge
            var last = edge
            first.to = probe(output, on: lane(edge.from), readsNumber: true, in: &result)
            middle.from = EndPlan(node: first.to.node, port: "out")
            middle.to = probe(input, on: lane(edge.to), readsNumber: false, in: &result)
            last.from = EndPlan(node: middle.to.node, port: "out")
            (first.capacity, first.overflow, first.isOverflowStandard) = (.standard, .block, false)
            // One item more than the edge itself would hold.
            (last.capacity, last.overflow, last.isOverflowStandard) = (
                EdgePolicy.Capacity(items: 1, milliseconds: 60_000), .block, false
            )
            result.edges += [first, middle, last]
        }
        return result
    }

    private func probe(_ place: Int, on lane: String, readsNumber: Bool, in plan: inout SessionPlan) -> EndPlan {
        let name = "probe \(place)"
        plan.nodes.append(
            NodePlan(
                name: name, spec: NodeSpec(of: LatencyProbe.self),
                parameters: ["place": .integer(place), "reads_number": .boolean(readsNumber)], lane: lane))
        return EndPlan(node: name, port: "in")
    }
}
