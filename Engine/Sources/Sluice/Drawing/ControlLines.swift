/// Where control links run and where their labels stand.
///
/// A line leaves the right side of its node, goes down the gap beside the column, along a channel of its own under the
/// band that it ends in, and up into the left side of the other node: it crosses no box. A label stands on its channel,
/// or beside the line where the channel is too short or another line passes there.
struct ControlLines {
    private(set) var lines: [[(Double, Double)]] = []
    /// The middle of each label, and its base line.
    private(set) var labels: [(text: String, x: Double, y: Double)] = []
    /// The right end of all that is drawn.
    private(set) var right = 0.0

    init(_ drawing: GraphDrawing, _ layout: LayeredLayout) {
        var channels: [(text: String, y: Double, ends: ClosedRange<Double>)] = []
        var used: [Int: Int] = [:]
        var leaving: [Double: Int] = [:]
        var entering: [Double: Int] = [:]
        for link in drawing.sessions.flatMap(\.controls) {
            guard let from = layout.boxes[link.from], let to = layout.boxes[link.to],
                let band = layout.bands.firstIndex(where: { $0.session.nodes.contains { $0.id == link.to } })
            else { continue }
            let channel = used[band, default: 0]
            used[band] = channel + 1
            let y = layout.bands[band].bottom + 16 + Double(channel) * GraphDrawing.channelHeight
            let (source, target) = (layout.columns[from.column], layout.columns[to.column])
            // By where the gap is: columns of several rows share it.
            let out = leaving[source.x, default: 0]
            leaving[source.x] = out + 1
            let into = entering[target.x, default: 0]
            entering[target.x] = into + 1
            let startX = source.x + source.width + 8 + Double(out) * 7
            let endX = target.x - 8 - Double(into) * 7
            let startY = from.y + from.height - 7 - Double(out % 3) * 5
            let endY = to.y + to.height - 7 - Double(into % 3) * 5
            lines.append([
                (from.x + from.width, startY), (startX, startY), (startX, y), (endX, y), (endX, endY), (to.x - 1, endY),
            ])
            channels.append((link.label, y, min(startX, endX)...max(startX, endX)))
        }
        for (text, y, ends) in channels { place(text, y, ends) }
        right = max(lines.flatMap { $0.map(\.0) }.max() ?? 0, right)
    }

    private mutating func place(_ text: String, _ y: Double, _ ends: ClosedRange<Double>) {
        let half = GraphDrawing.width(text) / 2
        let onLine = (ends.lowerBound + ends.upperBound) / 2
        var tries = [(onLine, y - 5), (ends.upperBound + half + 6, y + 3), (ends.lowerBound - half - 6, y + 3)]
        // Further and further to the right of everything.
        let outside = lines.flatMap { $0.map(\.0) }.max() ?? ends.upperBound
        tries.append((outside + half + 10, y + 3))
        let free = tries.first { x, base in
            let isOnLine = base < y
            guard x - half > 4, !isOnLine || 2 * half + 12 < ends.upperBound - ends.lowerBound else { return false }
            return isFree((x - half - 3)...(x + half + 3), base)
        }
        let chosen = free ?? tries[3]
        labels.append((text, chosen.0, chosen.1))
        right = max(right, chosen.0 + half)
    }

    /// Neither a vertical part of a line nor another label is there.
    private func isFree(_ xs: ClosedRange<Double>, _ base: Double) -> Bool {
        let ys = (base - 11)...(base + 3)
        for line in lines {
            for (a, b) in zip(line, line.dropFirst()) where a.0 == b.0 && xs.contains(a.0) {
                if (min(a.1, b.1)...max(a.1, b.1)).overlaps(ys) { return false }
            }
            for (a, b) in zip(line, line.dropFirst()) where a.1 == b.1 && ys.contains(a.1) {
                if (min(a.0, b.0)...max(a.0, b.0)).overlaps(xs) { return false }
            }
        }
        return labels.allSatisfy { other in
            let half = GraphDrawing.width(other.text) / 2
            return !((other.x - half)...(other.x + half)).overlaps(xs) || abs(other.y - base) >= 11
        }
    }
}
