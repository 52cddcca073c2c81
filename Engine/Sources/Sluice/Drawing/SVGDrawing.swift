/// A picture that stands by itself: no script, no font or style from elsewhere.
extension GraphDrawing {
    static let margin = 24.0
    static let framePadding = 20.0
    static let headHeight = 42.0
    static let portHeight = 20.0
    static let channelHeight = 22.0
    static let dataColour = "#2e7d5b"
    static let mediaColour = "#51607a"

    var svg: String {
        let layout = LayeredLayout(self)
        var body = ""
        for band in layout.bands where band.session.title != nil { body += frame(band, layout) }
        for route in layout.routes { body += edge(route, layout) }
        body += controls(layout)
        for node in sessions.flatMap(\.nodes) { if let box = layout.boxes[node.id] { body += drawn(box) } }
        let labels = layout.routes.map { edgeLabel($0, layout) }.joined()
        let width = max(layout.width, Double(max(title.count * 10, summary.count * 6)) + 2 * Self.margin)
        return """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(number(width))" height="\(number(layout.height))" \
            viewBox="0 0 \(number(width)) \(number(layout.height))" font-family="Inter, 'Helvetica Neue', Arial, sans-serif">
            <title>\(title.escapedForXML)</title>
            <defs>
            <marker id="arrow" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8" \
            markerUnits="userSpaceOnUse" orient="auto"><path d="M0,0.5 L8,4 L0,7.5 z" fill="#51607a"/></marker>
            <marker id="control" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8" \
            markerUnits="userSpaceOnUse" orient="auto"><path d="M0,0.5 L8,4 L0,7.5 z" fill="#b4532a"/></marker>
            \(dataArrow)</defs>
            <rect width="100%" height="100%" fill="#ffffff"/>
            \(heading)\(body)\(labels)</svg>

            """
    }

    /// Only where it is used: other drawings stay as they are.
    private var dataArrow: String {
        guard sessions.contains(where: { $0.edges.contains(where: \.isData) }) else { return "" }
        return """
            <marker id="data" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8" \
            markerUnits="userSpaceOnUse" orient="auto"><path d="M0,0.5 L8,4 L0,7.5 z" fill="\(Self.dataColour)"/></marker>

            """
    }

    private var heading: String {
        var text = label(title, x: Self.margin, y: Self.margin + 10, size: 17, weight: "600", fill: "#1c2536")
        if !summary.isEmpty { text += label(summary, x: Self.margin, y: Self.margin + 30, size: 12, fill: "#66728a") }
        return text
    }

    private func frame(_ band: LayeredLayout.Band, _ layout: LayeredLayout) -> String {
        guard let columns = band.columns, let title = band.session.title else { return "" }
        let left = layout.columns[columns.lowerBound].x - Self.framePadding
        let last = layout.columns[columns.upperBound]
        let width = max(last.x + last.width + Self.framePadding - left, Double(title.count) * 7.5 + 24)
        return """
            <rect x="\(number(left))" y="\(number(band.top))" width="\(number(width))" \
            height="\(number(band.bottom - band.top))" rx="10" fill="#fbf9f3" stroke="#cbbf9a" stroke-dasharray="5 4"/>

            """ + label(title, x: left + 12, y: band.top + 19, size: 12, weight: "600", fill: "#7a6a35")
    }

    private func drawn(_ box: LayeredLayout.Box) -> String {
        let middle = box.x + box.width / 2
        var text = """
            <rect x="\(number(box.x))" y="\(number(box.y))" width="\(number(box.width))" height="\(number(box.height))" \
            rx="7" fill="#eef2f9" stroke="#51607a" stroke-width="1.2"/>

            """
        text += label(
            box.node.name, x: middle, y: box.y + 20, size: 14, weight: "600", anchor: "middle", fill: "#1c2536")
        text += label(box.node.type, x: middle, y: box.y + 36, size: 11, anchor: "middle", fill: "#66728a")
        for port in box.node.inputs {
            text += label(port, x: box.x + 8, y: box.portY(port, in: box.node.inputs) + 3.5, size: 10, fill: "#51607a")
        }
        for port in box.node.outputs {
            text += label(
                port, x: box.x + box.width - 8, y: box.portY(port, in: box.node.outputs) + 3.5, size: 10,
                anchor: "end", fill: "#51607a")
        }
        return text
    }

    private func edge(_ route: LayeredLayout.Route, _ layout: LayeredLayout) -> String {
        guard let from = layout.boxes[route.link.from], let to = layout.boxes[route.link.to] else { return "" }
        var x = from.x + from.width
        var y = from.portY(route.link.fromPort, in: from.node.outputs)
        var column = layout.columns[from.column]
        var path = "M\(number(x)),\(number(y))"
        for slot in route.slots {
            let next = layout.columns[slot.column]
            path += " H\(number(column.x + column.width))" + bend(from: column.x + column.width, y, to: next.x, slot.y)
            path += " H\(number(next.x + next.width))"
            (x, y, column) = (next.x + next.width, slot.y, next)
        }
        x = column.x + column.width
        let end = to.portY(route.link.toPort, in: to.node.inputs)
        // The bend is in the first part of the gap, so that the label stands on a straight line.
        path += " H\(number(x))" + bend(from: x, y, to: min(x + 46, to.x - 8), end) + " H\(number(to.x - 1))"
        let dashes = route.link.isOptional ? " stroke-dasharray=\"2 3\"" : ""
        let (colour, arrow) = route.link.isData ? (Self.dataColour, "data") : (Self.mediaColour, "arrow")
        return """
            <path d="\(path)" fill="none" stroke="\(colour)" stroke-width="1.4"\(dashes) marker-end="url(#\(arrow))"/>

            """
    }

    private func bend(from x: Double, _ y: Double, to endX: Double, _ endY: Double) -> String {
        let middle = (x + endX) / 2
        return " C\(number(middle)),\(number(y)) \(number(middle)),\(number(endY)) \(number(endX)),\(number(endY))"
    }

    private func edgeLabel(_ route: LayeredLayout.Route, _ layout: LayeredLayout) -> String {
        guard !route.link.label.isEmpty, let to = layout.boxes[route.link.to] else { return "" }
        let y = to.portY(route.link.toPort, in: to.node.inputs)
        let x = to.x - (route.entersFrame ? Self.framePadding + 8 : 12)
        return label(
            route.link.label, x: x, y: y - 5, size: 10, anchor: "end",
            fill: route.link.isData ? Self.dataColour : Self.mediaColour, hasHalo: true)
    }

    /// Out of the right side, down or up the gap beside the column, along a channel of its own under the band that it
    /// ends in, and into the left side: no box is crossed.
    private func controls(_ layout: LayeredLayout) -> String {
        var text = ""
        var used: [Int: Int] = [:]
        var right: [Int: Int] = [:]
        var left: [Int: Int] = [:]
        for link in sessions.flatMap(\.controls) {
            guard let from = layout.boxes[link.from], let to = layout.boxes[link.to],
                let band = layout.bands.firstIndex(where: { $0.session.nodes.contains { $0.id == link.to } })
            else { continue }
            let channel = used[band, default: 0]
            used[band] = channel + 1
            let y = layout.bands[band].bottom + 14 + Double(channel) * Self.channelHeight
            let out = right[from.column, default: 0]
            right[from.column] = out + 1
            let into = left[to.column, default: 0]
            left[to.column] = into + 1
            let source = layout.columns[from.column]
            let target = layout.columns[to.column]
            let startX = source.x + source.width + 8 + Double(out) * 7
            let endX = target.x - 8 - Double(into) * 7
            let startY = from.y + from.height - 7 - Double(out % 3) * 5
            let endY = to.y + to.height - 7 - Double(into % 3) * 5
            let points = [
                (from.x + from.width, startY), (startX, startY), (startX, y), (endX, y), (endX, endY), (to.x - 1, endY),
            ]
            text += """
                <path d="\(rounded(points))" fill="none" stroke="#b4532a" stroke-width="1.2" stroke-dasharray="5 3" \
                marker-end="url(#control)"/>

                """
            text += label(
                link.label, x: (startX + endX) / 2, y: y - 4, size: 10, anchor: "middle", fill: "#b4532a", hasHalo: true
            )
        }
        return text
    }

    /// A line of right angles with round corners.
    private func rounded(_ points: [(Double, Double)]) -> String {
        var path = "M\(number(points[0].0)),\(number(points[0].1))"
        for index in 1..<(points.count - 1) {
            let (before, corner, after) = (points[index - 1], points[index], points[index + 1])
            func near(_ other: (Double, Double)) -> (Double, Double) {
                let (dx, dy) = (other.0 - corner.0, other.1 - corner.1)
                let length = max((dx * dx + dy * dy).squareRoot(), 0.001)
                let radius = min(6, length / 2)
                return (corner.0 + dx / length * radius, corner.1 + dy / length * radius)
            }
            let (start, end) = (near(before), near(after))
            path += " L\(number(start.0)),\(number(start.1))"
            path += " Q\(number(corner.0)),\(number(corner.1)) \(number(end.0)),\(number(end.1))"
        }
        return path + " L\(number(points[points.count - 1].0)),\(number(points[points.count - 1].1))"
    }

    private func label(
        _ text: String, x: Double, y: Double, size: Int, weight: String = "400", anchor: String = "start", fill: String,
        hasHalo: Bool = false
    ) -> String {
        let halo =
            hasHalo ? " stroke=\"#ffffff\" stroke-width=\"3\" paint-order=\"stroke\" stroke-linejoin=\"round\"" : ""
        return """
            <text x="\(number(x))" y="\(number(y))" font-size="\(size)" font-weight="\(weight)" \
            text-anchor="\(anchor)" fill="\(fill)"\(halo)>\(text.escapedForXML)</text>

            """
    }

    /// One decimal.
    private func number(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        let sign = tenths < 0 ? "-" : ""
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(sign)\(abs(tenths) / 10).\(abs(tenths) % 10)"
    }
}
