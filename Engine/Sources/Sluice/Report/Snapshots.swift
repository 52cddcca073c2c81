/// What the report says of a node.
struct NodeSnapshot {
    let name: String
    let type: String
    let state: String
    let framesIn: Int
    let framesOut: Int
    /// The most items that have waited in the node for room in an output.
    let waitingMost: Int
    let busySeconds: Double
    let wakeups: Int
    let restarts: Int
    /// Seconds from the start of the run to the first item sent; nil before.
    let firstSent: Double?
    let latency: Latency
    let pathLatency: Latency
    let metrics: [(name: String, value: Value)]
    let series: [(name: String, stretch: Double, points: [Series.Point?])]

    enum Value {
        case count(Int)
        case histogram(p50: Int, p99: Int, max: Int)
    }

    init(_ core: NodeCore) {
        name = core.name
        type = core.plan.spec.type
        state = "\(core.state)"
        framesIn = core.ports.inputs.reduce(0) { $0 + ($1.edge?.popped ?? 0) }
        framesOut = core.ports.outputs.reduce(0) { $0 + $1.sent }
        waitingMost = core.ports.outputs.reduce(0) { max($0, $1.waitingMost) }
        busySeconds = Double(core.telemetry.busy.count) / 1e9
        wakeups = core.telemetry.dispatches.count
        restarts = core.telemetry.restarts.count
        let first = core.telemetry.firstSent.count
        firstSent = framesOut == 0 ? nil : Double(max(0, Int64(first) - core.session.run.startedAt)) / 1e9
        latency = core.ports.outputs.first?.latency ?? .zero
        pathLatency = core.pathLatency
        series = core.telemetry.series.map { name, metric in
            let (stretch, points) = metric.series.points
            return (name, stretch, points)
        }
        metrics = core.telemetry.metrics.map { name, metric in
            switch metric {
            case .count(let counter): (name, .count(counter.count))
            case .histogram(let histogram):
                (name, .histogram(p50: histogram.p50, p99: histogram.p99, max: histogram.max))
            }
        }
    }

    func write(_ writer: inout JSONWriter, _ isVirtual: Bool) {
        writer.key(name) { node in
            node.object {
                $0.key("type", type)
                $0.key("state", state)
                $0.key("frames_in", framesIn)
                $0.key("frames_out", framesOut)
                if waitingMost > 0 { $0.key("waiting_max", waitingMost) }
                if !isVirtual { $0.key("cpu_s", busySeconds, places: 6) }
                $0.key("wakeups", wakeups)
                if let firstSent { $0.key("first_out_s", firstSent, places: 6) }
                if restarts > 0 { $0.key("restarts", restarts) }
                if latency != .zero { write("latency_ms", latency, &$0) }
                if pathLatency != .zero { write("path_latency_ms", pathLatency, &$0) }
                $0.key("metrics") { all in all.object { for (name, value) in metrics { write(name, value, &$0) } } }
                if !series.isEmpty {
                    $0.key("series") { all in
                        all.object { for (name, stretch, points) in series { write(name, stretch, points, &$0) } }
                    }
                }
            }
        }
    }

    private func write(_ name: String, _ latency: Latency, _ writer: inout JSONWriter) {
        writer.key(name) { value in
            value.array {
                $0.element { $0.number(latency.min.milliseconds, places: 3) }
                $0.element { $0.number(latency.max.milliseconds, places: 3) }
            }
        }
    }

    private func write(_ name: String, _ stretch: Double, _ points: [Series.Point?], _ writer: inout JSONWriter) {
        writer.key(name) { value in
            value.object {
                $0.key("step_s", stretch, places: 6)
                for (key, part) in [("min", \Series.Point.least), ("mean", \.mean), ("max", \.most)] {
                    $0.key(key) { list in
                        list.array {
                            for point in points {
                                $0.element { element in
                                    guard let point else { return element.raw("null") }
                                    element.number(point[keyPath: part], places: 3)
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    private func write(_ name: String, _ value: Value, _ writer: inout JSONWriter) {
        switch value {
        case .count(let count): writer.key(name, count)
        case .histogram(let p50, let p99, let max):
            writer.key(name) { value in
                value.object {
                    $0.key("p50", p50)
                    $0.key("p99", p99)
                    $0.key("max", max)
                }
            }
        }
    }
}

/// What the report says of an edge.
struct EdgeSnapshot {
    let from: String
    let to: String
    let plan: EdgePlan
    let overflow: Overflow
    let pushed, popped, dropped, flushed, held, bytes, depthMax, depthMaxMilliseconds, depthMaxBytes: Int
    /// Microseconds: median, 99th percentile, largest.
    let transit: (Double, Double, Double)
    let isDone: Bool

    init(_ edge: Edge) {
        (from, to, plan, overflow) = (edge.from, edge.to, edge.plan, edge.overflow)
        (pushed, popped, dropped, flushed, held) = (edge.pushed, edge.popped, edge.dropped, edge.flushed, edge.held)
        let consumer = edge.state.pointee.consumer
        bytes = edge.state.pointee.producer.pointee.bytes.count
        depthMax = consumer.pointee.depthMax.count
        depthMaxMilliseconds = Int(MediaTime(ticks: Int64(consumer.pointee.depthMaxTicks.count)).milliseconds.rounded())
        depthMaxBytes = consumer.pointee.depthMaxBytes.count
        transit = (
            Double(consumer.pointee.transit.quantile(0.5)) / 1e3, Double(consumer.pointee.transit.quantile(0.99)) / 1e3,
            Double(consumer.pointee.transit.max) / 1e3
        )
        isDone = edge.state.pointee.isEnded
    }

    func write(_ writer: inout JSONWriter, _ isVirtual: Bool) {
        writer.object {
            $0.key("from", from)
            $0.key("to", to)
            $0.key("capacity") { capacity in
                capacity.object {
                    $0.key("items", plan.capacity.items)
                    $0.key("ms", plan.capacity.milliseconds)
                    $0.key("bytes", plan.capacity.bytes)
                }
            }
            $0.key("overflow", overflow.rawValue)
            $0.key("pushed", pushed)
            $0.key("popped", popped)
            $0.key("dropped", dropped)
            $0.key("flushed", flushed)
            $0.key("held", held)
            $0.key("bytes", bytes)
            $0.key("depth_max", depthMax)
            $0.key("depth_max_ms", depthMaxMilliseconds)
            $0.key("depth_max_bytes", depthMaxBytes)
            $0.key("transit_us") { value in
                value.object {
                    $0.key("p50", transit.0, places: 1)
                    $0.key("p99", transit.1, places: 1)
                    $0.key("max", transit.2, places: 1)
                }
            }
        }
    }
}
