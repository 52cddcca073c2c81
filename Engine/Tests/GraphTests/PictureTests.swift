import Testing

@testable @_spi(Host) import Sluice

/// Where things stand in a picture.
@Suite struct PictureTests {
    private static let desk = NodeTable([
        NodeSpec(
            descriptor: NodeDescriptor("desk", summary: "Starts a template for each caller", traits: .live),
            outputs: [PortSpec("out", .codedVideo, isOptional: true)],
            parameters: [
                ParameterSpec(
                    "template", .string, default: .string(""), help: "for each caller",
                    template: TemplateUse(gives: ["name"]))
            ]),
        NodeSpec(
            descriptor: NodeDescriptor("call", summary: "One call", traits: .live),
            outputs: [PortSpec("out", .codedVideo)]),
        NodeSpec(
            descriptor: NodeDescriptor("file", summary: "Keeps packets"), inputs: [PortSpec("in", .codedVideo)]),
    ])

    private func desk() throws -> GraphDrawing {
        let text = """
            { "nodes": { "desk": { "type": "desk", "template": "caller" } },
              "templates": { "caller": { "parameters": { "name": {} },
                "nodes": { "call": { "type": "call" }, "file": { "type": "file" } }, "edges": [ "call -> file" ] } } }
            """
        return GraphDrawing(
            try GraphLoader.load(
                Array(text.utf8), path: "t.json", catalog: Self.desk, sources: ParameterSources()))
    }

    @Test func `A template that a node starts is there any number of times, and a line leads to it`() throws {
        let drawing = try desk()
        #expect(drawing.sessions.last?.title == "caller × n" && drawing.sessions.last?.starters == ["desk"])
        #expect(drawing.text(.svg).contains("url(#starts)"))
        #expect(drawing.text(.mermaid).contains("n0 -.->|\"starts\"| s1"))
        #expect(drawing.text(.dot).contains("\"desk\" -> \"caller/call\" [label=\"starts\""))
    }

    @Test func `Kinds of nodes have colours, and a legend says which`() throws {
        let svg = try desk().text(.svg)
        for role in [NodeRole.transport, .sink] {
            #expect(svg.contains("fill=\"\(GraphDrawing.colours(role).fill)\""))
            #expect(svg.contains(">\(role.rawValue)</text>"))
        }
        #expect(!svg.contains(">codec</text>"))
    }

    @Test func `The words about an edge stand in two lines`() {
        func lines(_ label: String) -> [String] {
            GraphDrawing.Link(from: "a", fromPort: "out", to: "b", toPort: "in", label: label).lines
        }
        #expect(lines("") == [])
        #expect(lines("drop-oldest") == ["drop-oldest"])
        #expect(lines("drop-oldest, 50 items/1000 ms") == ["drop-oldest", "50 items/1000 ms"])
        #expect(lines("drop-newest, 250 items/5000 ms, keep") == ["drop-newest", "250 items/5000 ms, keep"])
    }

    private func drawing(nodes count: Int, controls: [(Int, Int)] = []) -> GraphDrawing {
        let spec = NodeSpec(
            descriptor: NodeDescriptor("gain", summary: "Scales"), inputs: [PortSpec("in", .rawAudio)],
            outputs: [PortSpec("out", .rawAudio)])
        var plan = GraphPlan(name: "chain", root: SessionPlan())
        plan.root.nodes = (0..<count).map { NodePlan(name: "node\($0)", spec: spec) }
        plan.root.edges = (1..<count).map {
            EdgePlan(
                from: EndPlan(node: "node\($0 - 1)", port: "out"), to: EndPlan(node: "node\($0)", port: "in"),
                overflow: .dropOldest)
        }
        var drawing = GraphDrawing(plan)
        drawing.sessions[0].controls = controls.map { from, to in
            GraphDrawing.Link(
                from: "node\(from)", fromPort: "offset_ms", to: "node\(to)", toPort: "delay_ms",
                label: "offset_ms → delay_ms")
        }
        return drawing
    }

    @Test func `A long chain goes on in another row, and no two boxes overlap`() {
        let layout = LayeredLayout(drawing(nodes: 20))
        #expect(layout.width < 1_500)
        let boxes = Array(layout.boxes.values)
        #expect(Set(boxes.map { layout.row($0.column) }).count > 1)
        for (index, a) in boxes.enumerated() {
            #expect(a.x >= 0 && a.y >= 0 && a.x + a.width <= layout.width && a.y + a.height <= layout.height)
            for b in boxes.dropFirst(index + 1) {
                #expect(
                    a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y)
            }
        }
        // A line from row to row passes between the boxes of both.
        for (number, gutter) in layout.gutters.enumerated() {
            for box in boxes {
                #expect(layout.row(box.column) <= number ? box.y + box.height < gutter : box.y > gutter)
            }
        }
    }

    @Test(arguments: [[(3, 2)], [(2, 3), (2, 3)], [(4, 0), (4, 1), (4, 2)], [(0, 1), (1, 2), (2, 3), (3, 4)]])
    func `The label of a control link stands on no line and on no other label`(_ controls: [(Int, Int)]) {
        let drawing = drawing(nodes: 5, controls: controls)
        let found = ControlLines(drawing, LayeredLayout(drawing))
        #expect(found.labels.count == controls.count)
        struct Area {
            let xs: ClosedRange<Double>
            let ys: ClosedRange<Double>
            func meets(_ other: Area) -> Bool { xs.overlaps(other.xs) && ys.overlaps(other.ys) }
        }
        let labels = found.labels.map { label in
            let half = GraphDrawing.width(label.text) / 2
            return Area(xs: (label.x - half)...(label.x + half), ys: (label.y - 8)...(label.y + 1))
        }
        let lines = found.lines.flatMap { zip($0, $0.dropFirst()) }.map { a, b in
            Area(xs: min(a.0, b.0)...max(a.0, b.0), ys: min(a.1, b.1)...max(a.1, b.1))
        }
        for (index, label) in labels.enumerated() {
            #expect(!lines.contains(where: label.meets), "\(found.labels[index])")
            #expect(!labels.dropFirst(index + 1).contains(where: label.meets), "\(found.labels[index])")
            #expect(label.xs.upperBound <= found.right)
        }
    }
}
