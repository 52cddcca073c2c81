@_spi(Host) extension LatencyAnalysis {
    /// For a terminal: a line a stage, milliseconds.
    public var table: String {
        var rows = [["stage", "p50", "p95", "p99", "max", "mean", "share"]]
        for stage in stages { rows.append(row(stage.label, stage.spread)) }
        rows.append(row(isGlassToGlass ? "glass to glass" : "in all", total))
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        var text = ""
        for (index, row) in rows.enumerated() {
            if index == rows.count - 1 {
                text += String(repeating: "-", count: widths.reduce(0, +) + 2 * (widths.count - 1)) + "\n"
            }
            var line = row[0] + String(repeating: " ", count: widths[0] - row[0].count)
            for column in row.indices.dropFirst() {
                line += "  " + String(repeating: " ", count: widths[column] - row[column].count) + row[column]
            }
            text += line + "\n"
        }
        let lost = missing > 0 ? "; \(missing) were sent and not seen at the end" : ""
        return text + "ms of \(pictures.count) pictures after the first second\(lost)\n"
    }

    private func row(_ label: String, _ spread: Spread) -> [String] {
        let share = total.mean > 0 ? spread.mean / total.mean * 100 : 0
        return [label] + [spread.p50, spread.p95, spread.p99, spread.max, spread.mean].map { decimal($0, places: 2) }
            + [
                decimal(share, places: 1) + " %"
            ]
    }
}
