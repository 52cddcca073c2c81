/// The totals of all ended instances of one node of a template. Its size does not depend on how many there were.
struct NodeTotals: Sendable {
    private let type: String
    private var framesIn = 0
    private var framesOut = 0
    private var busy = 0
    private var wakeups = 0
    private var restarts = 0
    /// In the order in which they first came.
    private var metrics: [(name: String, total: Total)] = []

    private enum Total: Sendable {
        /// Of a metric that counts the sum says something, of one that is set the last value.
        case count(sum: Int, last: Int)
        case histogram(Metric.Histogram)
    }

    init(_ type: String) { self.type = type }

    mutating func add(_ node: NodeSnapshot, _ metrics: [(name: String, metric: NodeTelemetry.Named)]) {
        framesIn += node.itemsIn
        framesOut += node.itemsOut
        busy += Int(node.busy.nanoseconds)
        wakeups += node.wakeups
        restarts += node.restarts
        for (name, metric) in metrics { add(name, metric) }
    }

    private mutating func add(_ name: String, _ metric: NodeTelemetry.Named) {
        switch metric {
        case .count(let counter):
            let value = counter.count
            for index in metrics.indices where metrics[index].name == name {
                guard case .count(let sum, _) = metrics[index].total else { continue }
                metrics[index].total = .count(sum: sum.addingReportingOverflow(value).partialValue, last: value)
                return
            }
            metrics.append((name, .count(sum: value, last: value)))
        case .histogram(let histogram):
            for case (name, .histogram(let known)) in metrics {
                known.histogram.add(histogram.histogram)
                return
            }
            let total = Metric.Histogram()
            total.histogram.add(histogram.histogram)
            metrics.append((name, .histogram(total)))
        }
    }

    func write(_ name: String, _ writer: inout JSONValue.Writer, _ isVirtual: Bool) {
        writer.key(name) { node in
            node.object {
                $0.key("type", type)
                $0.key("frames_in", framesIn)
                $0.key("frames_out", framesOut)
                if !isVirtual { $0.key("cpu_s", Double(busy) / 1e9, places: 6) }
                $0.key("wakeups", wakeups)
                if restarts > 0 { $0.key("restarts", restarts) }
                $0.key("metrics") { all in all.object { for (name, total) in metrics { write(name, total, &$0) } } }
            }
        }
    }

    private func write(_ name: String, _ total: Total, _ writer: inout JSONValue.Writer) {
        writer.key(name) { value in
            value.object {
                switch total {
                case .count(let sum, let last):
                    $0.key("sum", sum)
                    $0.key("last", last)
                case .histogram(let histogram):
                    $0.key("p50", histogram.p50)
                    $0.key("p99", histogram.p99)
                    $0.key("max", histogram.max)
                }
            }
        }
    }
}
