/// Places the nodes of a drawing in columns, media from left to right.
///
/// A node stands one column right of the last node that feeds it. Each session has a band of its own, the templates
/// under the graph, so their frames never overlap. A line that passes several columns is led through a slot in each of
/// them, so it crosses no box. Within a column, nodes are ordered by the mean height of what feeds them and then moved
/// towards it: a chain becomes a straight line. A graph without templates that is wider than a page goes on in a second
/// row, under the first one, whose columns stand below its columns. Lengths are in SVG user units.
struct LayeredLayout {
    struct Box {
        var node: GraphDrawing.Node
        var column: Int
        var x = 0.0
        var y = 0.0
        var width: Double
        var height: Double
        /// From one port to the next.
        var portHeight = GraphDrawing.portHeight

        func portY(_ name: String, in ports: [String]) -> Double {
            guard let index = ports.firstIndex(of: name) else { return y + height / 2 }
            return y + GraphDrawing.headHeight + (Double(index) + 0.5) * portHeight
        }
    }

    struct Band {
        var session: GraphDrawing.Session
        var top = 0.0
        var bottom = 0.0
        /// Columns of the boxes; nil for a band without any.
        var columns: ClosedRange<Int>?
    }

    struct Route {
        var link: GraphDrawing.Link
        /// Points it passes between its ends: the middles of slots.
        var slots: [(column: Int, y: Double)] = []
        /// It comes from the graph into a template.
        var entersFrame = false
    }

    private(set) var boxes: [String: Box] = [:]
    private(set) var bands: [Band] = []
    private(set) var routes: [Route] = []
    /// Left edge and width of each column, and the width of the gap right of it.
    private(set) var columns: [(x: Double, width: Double, gap: Double)] = []
    private(set) var width = 0.0
    private(set) var height = 0.0
    /// Columns in one row.
    private(set) var rowLength = Int.max
    /// The lower edges of rows, the last one's aside.
    private(set) var gutters: [Double] = []
    static let page = 1_150.0
    /// How far left of a row's first column lines turn that come from the row above.
    private(set) var entry = 14.0

    /// The occupant of a place in a column: a box or a line that passes.
    private enum Item: Hashable {
        case box(String)
        case slot(route: Int, column: Int)
    }

    init(_ drawing: GraphDrawing) {
        assignColumns(drawing)
        placeColumns(drawing)
        routes = drawing.sessions.flatMap { session in
            session.edges.map { edge in
                Route(link: edge, entersFrame: !session.nodes.contains { $0.id == edge.from })
            }
        }
        var top = GraphDrawing.margin + drawing.headingHeight
        var firstRoute = 0
        for session in drawing.sessions {
            let range = firstRoute..<(firstRoute + session.edges.count)
            firstRoute = range.upperBound
            var band = Band(session: session, top: top)
            let padding = session.title == nil ? 0.0 : 6
            band.bottom = placeBand(session, range, from: top + padding + (session.title == nil ? 0 : 18)) + padding
            let used = session.nodes.compactMap { boxes[$0.id]?.column }
            if let first = used.min(), let last = used.max() { band.columns = first...last }
            // Control links run under the band that they end in.
            let links = drawing.sessions.flatMap(\.controls).filter { link in
                session.nodes.contains { $0.id == link.to }
            }
            if rowLength < columns.count { wrap(&band) }
            let starts = session.title == nil ? 0.0 : Double(session.starters.count) * 10
            top = band.bottom + Double(links.count) * GraphDrawing.channelHeight + 34 + starts
            bands.append(band)
        }
        orderPorts()
        height = top - 34 + GraphDrawing.margin
        let last = columns.map { $0.x + $0.width + (rowLength < columns.count ? 24 : 0) }.max() ?? 0
        width = max(last + GraphDrawing.margin + GraphDrawing.framePadding + 12, 360)
    }

    private mutating func assignColumns(_ drawing: GraphDrawing) {
        let nodes = drawing.sessions.flatMap(\.nodes)
        let edges = drawing.sessions.flatMap(\.edges)
        let order = MediaOrder(nodes: nodes.map(\.id), edges: edges.map { ($0.from, $0.to) }).order
        var column: [String: Int] = [:]
        let outgoing = Dictionary(grouping: edges, by: \.from)
        for id in order {
            for edge in outgoing[id] ?? [] { column[edge.to] = max(column[edge.to] ?? 0, (column[id] ?? 0) + 1) }
        }
        for node in nodes {
            let ports = max(node.inputs.count, node.outputs.count)
            let portWidth = [node.inputs, node.outputs].map { $0.map(\.count).max() ?? 0 }.reduce(0, +)
            let isSpread = edges.contains { $0.to == node.id && $0.lines.count > 1 } && node.inputs.count > 1
            let portHeight = isSpread ? 34 : GraphDrawing.portHeight
            let text = max(Double(node.name.count) * 8.2, Double(node.type.count) * 6.2, Double(portWidth) * 5.8 + 16)
            boxes[node.id] = Box(
                node: node, column: column[node.id] ?? 0, width: max(84, text + 26),
                height: GraphDrawing.headHeight + (ports > 0 ? Double(ports) * portHeight + 6 : 4),
                portHeight: portHeight)
        }
    }

    /// Ports stand in the order of what they lead to, so that lines cross less.
    private mutating func orderPorts() {
        var outward: [String: [String: Double]] = [:]
        var inward: [String: [String: Double]] = [:]
        for route in routes {
            guard let from = boxes[route.link.from], let to = boxes[route.link.to] else { continue }
            outward[route.link.from, default: [:]][route.link.fromPort] = route.slots.first?.y ?? to.y + to.height / 2
            inward[route.link.to, default: [:]][route.link.toPort] = route.slots.last?.y ?? from.y + from.height / 2
        }
        for id in boxes.keys {
            boxes[id]!.node.outputs.sort { outward[id]?[$0] ?? 0 < outward[id]?[$1] ?? 0 }
            boxes[id]!.node.inputs.sort { inward[id]?[$0] ?? 0 < inward[id]?[$1] ?? 0 }
        }
    }

    private mutating func placeColumns(_ drawing: GraphDrawing) {
        let count = (boxes.values.map(\.column).max() ?? -1) + 1
        let edges = drawing.sessions.flatMap(\.edges)
        let controls = drawing.sessions.flatMap(\.controls)
        var sizes = (0..<count).map { column in
            let labels = edges.filter { boxes[$0.to]?.column == column + 1 }.flatMap(\.lines)
            let label = labels.map(GraphDrawing.width).max() ?? 0
            let links = controls.count { boxes[$0.from]?.column == column || boxes[$0.to]?.column == column + 1 }
            return (
                width: boxes.values.filter { $0.column == column }.map(\.width).max() ?? 0,
                gap: max(56, label > 0 ? label + 74 : 0) + Double(links) * 7
            )
        }
        let whole = sizes.reduce(0) { $0 + $1.width + $1.gap }
        var left = GraphDrawing.margin + GraphDrawing.framePadding
        if drawing.sessions.count == 1, whole > LayeredLayout.page {
            let rows = Int((whole / LayeredLayout.page).rounded(.up))
            rowLength = (count + rows - 1) / rows
            // Lines from the row above have their labels left of the first column.
            entry = stride(from: rowLength, to: count, by: rowLength).map { sizes[$0 - 1].gap - 42 }.max() ?? entry
            left += entry
            let length = rowLength
            sizes = (0..<count).map { column in
                let others = stride(from: column % length, to: count, by: length).map { sizes[$0] }
                return (others.map(\.width).max() ?? 0, others.map(\.gap).max() ?? 0)
            }
        }
        var x = left
        for column in 0..<count {
            if column % min(rowLength, count) == 0 { x = left }
            columns.append((x, sizes[column].width, sizes[column].gap))
            x += sizes[column].width + sizes[column].gap
        }
        for id in boxes.keys {
            let column = columns[boxes[id]!.column]
            boxes[id]!.x = column.x + (column.width - boxes[id]!.width) / 2
        }
    }

    func row(_ column: Int) -> Int { column / rowLength }

    /// Moves the columns of later rows under the first one.
    private mutating func wrap(_ band: inout Band) {
        let rows = (columns.count + rowLength - 1) / rowLength
        var shifts = [0.0]
        var bottom = 0.0
        for number in 0..<rows {
            let inRow = boxes.values.filter { row($0.column) == number }
            let slots = routes.flatMap(\.slots).filter { row($0.column) == number }.map(\.y)
            let upper = min(inRow.map(\.y).min() ?? .infinity, (slots.min() ?? .infinity) - 10)
            let lower = max(inRow.map { $0.y + $0.height }.max() ?? 0, (slots.max() ?? 0) + 10)
            if number > 0 { shifts.append(bottom - upper) }
            let crossing = routes.count { crosses($0, after: number) }
            bottom = lower + shifts[number] + 34 + Double(crossing) * 8
            gutters.append(lower + shifts[number] + 16)
        }
        for id in boxes.keys { boxes[id]!.y += shifts[row(boxes[id]!.column)] }
        for index in routes.indices {
            for slot in routes[index].slots.indices {
                routes[index].slots[slot].y += shifts[row(routes[index].slots[slot].column)]
            }
        }
        band.bottom = boxes.values.map { $0.y + $0.height }.max() ?? band.bottom
        gutters.removeLast()
    }

    /// It leads from that row to a later one.
    func crosses(_ route: Route, after number: Int) -> Bool {
        guard let from = boxes[route.link.from]?.column, let to = boxes[route.link.to]?.column else { return false }
        return row(from) <= number && row(to) > number
    }

    /// Returns the lower edge of the band.
    private mutating func placeBand(_ session: GraphDrawing.Session, _ range: Range<Int>, from top: Double) -> Double {
        var rows: [[Item]] = Array(repeating: [], count: columns.count)
        for node in session.nodes { rows[boxes[node.id]!.column].append(.box(node.id)) }
        for index in range {
            guard let from = boxes[routes[index].link.from]?.column, let to = boxes[routes[index].link.to]?.column
            else { continue }
            for column in (from + 1)..<max(to, from + 1) { rows[column].append(.slot(route: index, column: column)) }
        }
        var middle: [Item: Double] = [:]
        for round in 0..<6 {
            for column in round % 2 == 0 ? Array(columns.indices) : columns.indices.reversed() {
                var wanted: [Item: Double] = [:]
                for (position, item) in rows[column].enumerated() {
                    let near = neighbours(of: item, range, middle, left: round % 2 == 0)
                    wanted[item] =
                        near.isEmpty ? middle[item] ?? Double(position) * 64 : near.reduce(0, +) / Double(near.count)
                }
                let sorted = rows[column].enumerated().sorted {
                    (wanted[$0.element]!, $0.offset) < (wanted[$1.element]!, $1.offset)
                }
                rows[column] = sorted.map(\.element)
                place(rows[column], wanted, &middle)
            }
        }
        let upper = middle.map { $0.value - size($0.key) / 2 }.min() ?? 0
        var bottom = top
        for (item, y) in middle {
            let shifted = y - upper + top
            bottom = max(bottom, shifted + size(item) / 2)
            switch item {
            case .box(let id): boxes[id]!.y = shifted - boxes[id]!.height / 2
            case .slot(let route, let column): routes[route].slots.append((column, shifted))
            }
        }
        for index in range { routes[index].slots.sort { $0.column < $1.column } }
        return bottom
    }

    private func size(_ item: Item) -> Double {
        if case .box(let id) = item { boxes[id]!.height + 26 } else { 30 }
    }

    /// The heights that an item's lines come from, or go to.
    private func neighbours(of item: Item, _ range: Range<Int>, _ middle: [Item: Double], left: Bool) -> [Double] {
        func end(_ index: Int, beside column: Int) -> Double? {
            let link = routes[index].link
            let slot = Item.slot(route: index, column: left ? column - 1 : column + 1)
            if let y = middle[slot] { return y }
            let id = left ? link.from : link.to
            guard let box = boxes[id], let y = middle[.box(id)] else { return nil }
            let ports = left ? box.node.outputs : box.node.inputs
            var moved = box
            moved.y = y - box.height / 2
            return moved.portY(left ? link.fromPort : link.toPort, in: ports)
        }
        switch item {
        case .slot(let route, let column): return end(route, beside: column).map { [$0] } ?? []
        case .box(let id):
            guard let box = boxes[id] else { return [] }
            return range.filter { (left ? routes[$0].link.to : routes[$0].link.from) == id }.compactMap { index in
                let link = routes[index].link
                let ports = left ? box.node.inputs : box.node.outputs
                var own = box
                own.y = -box.height / 2
                let offset = own.portY(left ? link.toPort : link.fromPort, in: ports)
                return end(index, beside: box.column).map { $0 - offset }
            }
        }
    }

    /// Keeps the order, and each item as near to where it wants to be as the others allow.
    private func place(_ items: [Item], _ wanted: [Item: Double], _ middle: inout [Item: Double]) {
        var lower = -Double.infinity
        var places: [Double] = []
        for item in items {
            let y = max(wanted[item]!, lower + size(item) / 2)
            places.append(y)
            lower = y + size(item) / 2
        }
        guard !items.isEmpty else { return }
        let shift = zip(items, places).map { wanted[$0]! - $1 }.reduce(0, +) / Double(items.count)
        for (item, y) in zip(items, places) { middle[item] = y + shift }
    }
}
