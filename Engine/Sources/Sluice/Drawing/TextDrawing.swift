/// Drawings that another program lays out.
extension GraphDrawing {
    /// For Graphviz.
    var dot: String {
        var text = "digraph \(JSONValue.quote(title)) {\n"
        text += "  rankdir=LR;\n"
        text +=
            "  node [shape=box, style=\"rounded,filled\", fillcolor=\"#f4f6fa\", fontname=\"sans-serif\", fontsize=11];\n"
        text += "  edge [fontname=\"sans-serif\", fontsize=9];\n"
        for (index, session) in sessions.enumerated() {
            let indent = session.title == nil ? "  " : "    "
            if let title = session.title {
                text += "  subgraph cluster_\(index) {\n    label=\(JSONValue.quote(title)); style=dashed;\n"
            }
            for node in session.nodes {
                text += "\(indent)\(JSONValue.quote(node.id)) [label=\"\(node.name)\\n\(node.type)\"];\n"
            }
            if session.title != nil { text += "  }\n" }
        }
        for session in sessions {
            for starter in session.starters {
                if let node = session.nodes.first {
                    text += "  \(JSONValue.quote(starter)) -> \(JSONValue.quote(node.id)) "
                    text += "[label=\"starts\", style=dotted, constraint=false];\n"
                }
            }
            for edge in session.edges {
                let colour = edge.isData ? ", color=\"\(Self.dataColour)\", fontcolor=\"\(Self.dataColour)\"" : ""
                let style = (edge.isOptional ? ", style=dotted" : "") + colour
                text += "  \(arrow(edge)) [label=\(JSONValue.quote(ends(edge)))\(style)];\n"
            }
            for link in session.controls {
                text += "  \(arrow(link)) [label=\(JSONValue.quote(link.label)), style=dashed, constraint=false];\n"
            }
        }
        return text + "}\n"
    }

    private func arrow(_ link: Link) -> String { "\(JSONValue.quote(link.from)) -> \(JSONValue.quote(link.to))" }

    /// The label with the ports where there is a choice of them.
    private func ends(_ link: Link) -> String {
        let nodes = sessions.flatMap(\.nodes)
        var names: [String] = []
        if nodes.first(where: { $0.id == link.from }).map({ !$0.outputs.isEmpty }) == true {
            names.append(link.fromPort)
        }
        if nodes.first(where: { $0.id == link.to }).map({ !$0.inputs.isEmpty }) == true, names != [link.toPort] {
            names.append(link.toPort)
        }
        return [names.joined(separator: " → "), link.label].filter { !$0.isEmpty }.joined(separator: "\n")
    }

    /// For Mermaid, as Markdown viewers show it.
    var mermaid: String {
        var text = "flowchart LR\n"
        let nodes = sessions.flatMap(\.nodes)
        let ids = Dictionary(
            nodes.enumerated().map { ($0.element.id, "n\($0.offset)") }, uniquingKeysWith: { first, _ in first })
        for (index, session) in sessions.enumerated() {
            let indent = session.title == nil ? "  " : "    "
            if let title = session.title { text += "  subgraph s\(index)[\"\(title)\"]\n" }
            for node in session.nodes {
                text += "\(indent)\(ids[node.id] ?? "")[\"<b>\(node.name)</b><br/>\(node.type)\"]\n"
            }
            if session.title != nil { text += "  end\n" }
        }
        var count = 0
        var data: [Int] = []
        for session in sessions {
            for edge in session.edges {
                if edge.isData { data.append(count) }
                count += 1
                let label = ends(edge).split(separator: "\n").joined(separator: "<br/>")
                text += line(edge, ids, label.isEmpty ? "-->" : "-->|\"\(label)\"|")
            }
            for starter in session.starters {
                guard let place = sessions.firstIndex(where: { $0.title == session.title }) else { continue }
                count += 1
                text += "  \(ids[starter] ?? "") -.->|\"starts\"| s\(place)\n"
            }
            for link in session.controls {
                count += 1
                text += line(link, ids, "-.->|\"\(link.label)\"|")
            }
        }
        if !data.isEmpty {
            text += "  linkStyle \(data.map(String.init).joined(separator: ",")) stroke:\(Self.dataColour)\n"
        }
        return text
    }

    private func line(_ link: Link, _ ids: [String: String], _ arrow: String) -> String {
        "  \(ids[link.from] ?? "") \(arrow) \(ids[link.to] ?? "")\n"
    }
}
