@_spi(Host) import Sluice

/// The timing that a run's report tells: of each node that kept numbers over time or has counted lateness, gaps, drift
/// or depth, and of the edges.
enum ReportTiming {
    static func streams(_ report: JSONValue) -> [TimingStream] {
        let nodes = (report["nodes"]?.members ?? []).compactMap { stream($0.key, $0.value) }
        return nodes + edges(report["edges"]?.array ?? [])
    }

    /// Parts of the names of metrics that are about timing.
    private static let words = [
        "late", "gap", "drift", "depth", "interval", "jitter", "offset", "silence", "concealed", "dropped", "slip",
        "inserted", "cut", "lost", "confidence", "delay",
    ]

    private static func stream(_ name: String, _ node: JSONValue) -> TimingStream? {
        var stream = TimingStream(name: name)
        for metric in node["metrics"]?.members ?? []
        where words.contains(where: { metric.key.split(separator: "_").contains(Substring($0)) }) {
            guard let value = text(metric.value) else { continue }
            stream.figures.append((metric.key, value))
        }
        for series in node["series"]?.members ?? [] {
            let line = line(series.key, series.value)
            guard !line.points.isEmpty else { continue }
            stream.lines.append(line)
            let means = line.points.map(\.mean)
            let (least, most) = (line.points.map(\.least).min() ?? 0, line.points.map(\.most).max() ?? 0)
            let middle = quantiles(means, [0.5])[0]
            stream.figures.append(
                (
                    "\(series.key) min, p50, max",
                    [least, middle, most].map { decimal($0, places: 2) }.joined(separator: ", ")
                ))
            if series.key.hasPrefix("drift") {
                let slope = RTPTiming.slope(line.points.map { ($0.time, $0.mean) })
                stream.figures.append(("\(series.key) slope", "\(decimal(slope * 1_000, places: 0)) ppm"))
            }
        }
        return stream.figures.isEmpty ? nil : stream
    }

    private static func text(_ value: JSONValue) -> String? {
        if let number = value.number { return decimal(number, places: 0) }
        guard let p50 = value["p50"]?.number, let p99 = value["p99"]?.number, let most = value["max"]?.number else {
            return nil
        }
        return "p50 \(decimal(p50, places: 0)), p99 \(decimal(p99, places: 0)), max \(decimal(most, places: 0))"
    }

    private static func line(_ name: String, _ series: JSONValue) -> TimingStream.Line {
        var line = TimingStream.Line(name: name)
        guard let step = series["step_s"]?.number, step > 0, let least = series["min"]?.array,
            let mean = series["mean"]?.array, let most = series["max"]?.array
        else { return line }
        for index in 0..<min(least.count, mean.count, most.count) {
            guard let low = least[index].number, let middle = mean[index].number, let high = most[index].number else {
                continue
            }
            line.points.append(
                TimingStream.Point(time: (Double(index) + 0.5) * step, least: low, mean: middle, most: high))
        }
        return line
    }

    /// One for all edges: a line of figures each.
    private static func edges(_ edges: [JSONValue]) -> [TimingStream] {
        var stream = TimingStream(name: "edges")
        for edge in edges {
            guard let from = edge["from"]?.string, let to = edge["to"]?.string else { continue }
            func number(_ key: String) -> String { decimal(edge[key]?.number ?? 0, places: 0) }
            var text = "depth at most \(number("depth_max")) items, \(number("depth_max_ms")) ms"
            if let transit = edge["transit_us"], let value = self.text(transit) { text += "; transit_us \(value)" }
            text += "; dropped \(number("dropped"))"
            stream.figures.append(("\(from) -> \(to)", text))
        }
        return stream.figures.isEmpty ? [] : [stream]
    }
}
