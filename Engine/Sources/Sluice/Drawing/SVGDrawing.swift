/// A picture that stands by itself: no script, no font or style from elsewhere.
extension GraphDrawing {
    static let margin = 24.0
    static let framePadding = 20.0
    static let headHeight = 42.0
    static let portHeight = 20.0
    static let channelHeight = 22.0
    static let controlColour = "#b4532a"
    static let dataColour = "#2e7d5b"
    static let mediaColour = "#51607a"

    var svg: String {
        let layout = LayeredLayout(self)
        let controlLines = ControlLines(self, layout)
        var body = ""
        for band in layout.bands where band.session.title != nil { body += frame(band, layout) }
        for route in layout.routes { body += edge(route, layout) }
        for (index, band) in layout.bands.enumerated() { body += starts(band, index, layout) }
        body += controlLines.lines.map(drawn).joined()
        for node in sessions.flatMap(\.nodes) { if let box = layout.boxes[node.id] { body += drawn(box) } }
        let labels =
            layout.routes.map { edgeLabel($0, layout) }.joined()
            + controlLines.labels.map {
                label(
                    $0.text, x: $0.x, y: $0.y, size: 10, anchor: "middle", fill: Self.controlColour, hasHalo: true)
            }.joined()
        let words = Double(max(title.count * 10, summary.count * 6)) + 2 * Self.margin
        let width = max(layout.width, controlLines.right + Self.margin, words, legendWidth + 2 * Self.margin)
        return """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(number(width))" height="\(number(layout.height))" \
            viewBox="0 0 \(number(width)) \(number(layout.height))" font-family="Inter, 'Helvetica Neue', Arial, sans-serif">
            <title>\(title.escapedForXML)</title>
            <defs>
            <marker id="arrow" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8" \
            markerUnits="userSpaceOnUse" orient="auto"><path d="M0,0.5 L8,4 L0,7.5 z" fill="#51607a"/></marker>
            <marker id="control" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8" \
            markerUnits="userSpaceOnUse" orient="auto"><path d="M0,0.5 L8,4 L0,7.5 z" fill="#b4532a"/></marker>
            \(dataArrow)\(startArrow)</defs>
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

    private var startArrow: String {
        guard sessions.contains(where: { !$0.starters.isEmpty }) else { return "" }
        return """
            <marker id="starts" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8" \
            markerUnits="userSpaceOnUse" orient="auto"><path d="M0,0.5 L8,4 L0,7.5 z" fill="#7a6a35"/></marker>

            """
    }

    private var heading: String {
        var text = label(title, x: Self.margin, y: Self.margin + 10, size: 17, weight: "600", fill: "#1c2536")
        if !summary.isEmpty { text += label(summary, x: Self.margin, y: Self.margin + 30, size: 12, fill: "#4d5870") }
        return text + legend
    }

    /// Above the first band.
    var headingHeight: Double { (summary.isEmpty ? 30 : 50) + (roles.count > 1 ? 24 : 0) }

    /// The kinds of nodes that are there.
    private var roles: [NodeRole] {
        let present = Set(sessions.flatMap(\.nodes).map(\.role))
        return NodeRole.allCases.filter(present.contains)
    }

    private var legendWidth: Double { roles.reduce(0) { $0 + 34 + Self.width($1.rawValue) } }

    private var legend: String {
        guard roles.count > 1 else { return "" }
        var text = ""
        var x = Self.margin
        let y = Self.margin + (summary.isEmpty ? 20 : 42)
        for role in roles {
            let colours = Self.colours(role)
            text += """
                <rect x="\(number(x))" y="\(number(y))" width="12" height="12" rx="3" fill="\(colours.fill)" \
                stroke="\(colours.line)"/>

                """
            text += label(role.rawValue, x: x + 17, y: y + 10, size: 10, fill: "#4d5870")
            x += 34 + Self.width(role.rawValue)
        }
        return text
    }

    static func colours(_ role: NodeRole) -> (fill: String, line: String) {
        switch role {
        case .source: ("#e6f3ea", "#3c7a57")
        case .codec: ("#fdf0da", "#a06a1c")
        case .processing, .bench: ("#eef2f9", "#51607a")
        case .transport: ("#f1eafa", "#75529c")
        case .sink: ("#fae8e6", "#a4483f")
        }
    }

    /// Of text in the size of labels, about.
    static func width(_ text: String) -> Double { Double(text.count) * 5.6 }

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
        let colours = Self.colours(box.node.role)
        var text = """
            <rect x="\(number(box.x))" y="\(number(box.y))" width="\(number(box.width))" height="\(number(box.height))" \
            rx="7" fill="\(colours.fill)" stroke="\(colours.line)" stroke-width="1.2"/>

            """
        text += label(
            box.node.name, x: middle, y: box.y + 20, size: 14, weight: "600", anchor: "middle", fill: "#1c2536")
        text += label(box.node.type, x: middle, y: box.y + 36, size: 11, anchor: "middle", fill: "#4d5870")
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
        var y = from.portY(route.link.fromPort, in: from.node.outputs)
        var column = from.column
        var path = "M\(number(from.x + from.width)),\(number(y))"
        let end = to.portY(route.link.toPort, in: to.node.inputs)
        let stops = route.slots + [(to.column, end)]
        for (index, stop) in stops.enumerated() {
            let (here, next) = (layout.columns[column], layout.columns[stop.column])
            let (left, isLast) = (here.x + here.width, index == stops.count - 1)
            path += " H\(number(left))"
            if layout.row(column) != layout.row(stop.column) {
                path += descent(route, from: column, to: stop, y, layout)
            } else if isLast {
                // The bend is in the first part of the gap, so that the label stands on a straight line.
                path += bend(from: left, y, to: min(left + 46, to.x - 8), end)
            } else {
                path += bend(from: left, y, to: next.x, stop.y)
            }
            path += isLast ? " H\(number(to.x - 1))" : " H\(number(next.x + next.width))"
            (y, column) = (stop.y, stop.column)
        }
        let dashes = route.link.isOptional ? " stroke-dasharray=\"2 3\"" : ""
        let (colour, arrow) = route.link.isData ? (Self.dataColour, "data") : (Self.mediaColour, "arrow")
        return """
            <path d="\(path)" fill="none" stroke="\(colour)" stroke-width="1.4"\(dashes) marker-end="url(#\(arrow))"/>

            """
    }

    /// From the end of a row into the beginning of the next, through the room between them.
    private func descent(
        _ route: LayeredLayout.Route, from column: Int, to stop: (column: Int, y: Double), _ y: Double,
        _ layout: LayeredLayout
    ) -> String {
        let row = layout.row(column)
        let crossing = layout.routes.filter { layout.crosses($0, after: row) }
        // Lines that lie higher turn further outside, so that they do not cross.
        let place = Double(crossing.firstIndex { $0.link == route.link } ?? 0)
        let right = layout.columns[column].x + layout.columns[column].width + 10 + (Double(crossing.count) - place) * 8
        let gutter = layout.gutters[row] + (Double(crossing.count) - place) * 8
        let left = layout.columns[stop.column].x - layout.entry - place * 8
        let points = [(right - 6, y), (right, y), (right, gutter), (left, gutter), (left, stop.y), (left + 6, stop.y)]
        return " L" + rounded(points).dropFirst()
    }

    private func bend(from x: Double, _ y: Double, to endX: Double, _ endY: Double) -> String {
        let middle = (x + endX) / 2
        return " C\(number(middle)),\(number(y)) \(number(middle)),\(number(endY)) \(number(endX)),\(number(endY))"
    }

    /// The first line stands on the edge, the second hangs under it.
    private func edgeLabel(_ route: LayeredLayout.Route, _ layout: LayeredLayout) -> String {
        guard let to = layout.boxes[route.link.to] else { return "" }
        let y = to.portY(route.link.toPort, in: to.node.inputs)
        let x = to.x - (route.entersFrame ? Self.framePadding + 8 : 12)
        return zip(route.link.lines, [y - 5, y + 12]).map {
            label(
                $0, x: x, y: $1, size: 10, anchor: "end",
                fill: route.link.isData ? Self.dataColour : Self.mediaColour, hasHalo: true)
        }.joined()
    }

    private func drawn(_ points: [(Double, Double)]) -> String {
        """
        <path d="\(rounded(points))" fill="none" stroke="\(Self.controlColour)" stroke-width="1.2" \
        stroke-dasharray="5 3" marker-end="url(#control)"/>

        """
    }

    /// From each node that starts a template's instances to its frame: down the gap beside the node and into the top.
    private func starts(_ band: LayeredLayout.Band, _ index: Int, _ layout: LayeredLayout) -> String {
        guard let columns = band.columns else { return "" }
        return band.session.starters.enumerated().map { place, starter in
            guard let box = layout.boxes[starter] else { return "" }
            let shift = Double(place) * 10
            let x = layout.columns[box.column].x - 20 - shift
            let y = box.y + box.height - 6
            let level = band.top - 12 - shift
            let left = layout.columns[columns.lowerBound].x - Self.framePadding + 24
            let points = [(box.x, y), (x, y), (x, level), (left + shift, level), (left + shift, band.top - 1)]
            return """
                <path d="\(rounded(points))" fill="none" stroke="#7a6a35" stroke-width="1.2" stroke-dasharray="1 3" \
                stroke-linecap="round" marker-end="url(#starts)"/>

                """ + label("starts", x: left + shift + 8, y: band.top - 4, size: 10, fill: "#7a6a35", hasHalo: true)
        }.joined()
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
