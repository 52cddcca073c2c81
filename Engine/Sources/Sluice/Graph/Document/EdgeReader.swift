/// Edges and control links: `"a -> b -> c"` or an object with `from` and `to`.
extension DocumentReader {
    func readEdge(_ value: JSONValue) -> [EdgeDocument] {
        if let text = value.string {
            return chain(text, at: value.position, "edge").map {
                EdgeDocument(from: $0, to: $1, position: value.position)
            }
        }
        guard let members = value.members else {
            bag.error(
                value.position, "an edge is a string \"a -> b\" or an object, found \(value.kindName).")
            return []
        }
        var edge = EdgeDocument(position: value.position)
        let keys = ["from", "to", "capacity", "overflow", "epoch", "optional"]
        for member in members {
            switch member.key {
            case "from", "to": break
            case "capacity":
                for bound in object(member.value, "\"capacity\"") {
                    switch bound.key {
                    case "items": edge.items = bound.value
                    case "ms": edge.milliseconds = bound.value
                    case "bytes": edge.bytes = bound.value
                    default: unknownKey(bound, "\"capacity\"", ["items", "ms", "bytes"])
                    }
                }
                if member.value.members?.isEmpty == true {
                    bag.error(
                        member.value.position, "\"capacity\" gives neither items, ms nor bytes.",
                        advice: "Write { \"items\": 16, \"ms\": 500, \"bytes\": 268435456 } or some of them.")
                }
            case "overflow": edge.overflow = member.value
            case "epoch": edge.epoch = member.value
            case "optional": edge.optional = member.value
            default: unknownKey(member, "an edge", keys)
            }
        }
        guard let (from, to) = ends(members, "edge", at: value.position) else { return [] }
        edge.from = from
        edge.to = to
        return [edge]
    }

    func readControl(_ value: JSONValue) -> ControlDocument? {
        if let text = value.string {
            let links = chain(text, at: value.position, "control")
            if links.count > 1 {
                bag.error(
                    value.position, "control \(quoted(text)) has more than two ends.",
                    advice: "Write one control link for each pair.")
                return nil
            }
            return links.first.map { ControlDocument(from: $0, to: $1, join: nil, position: value.position) }
        }
        guard let members = value.members else {
            bag.error(
                value.position,
                "a control link is a string \"a.output -> b.input\" or an object, found \(value.kindName).")
            return nil
        }
        var join: JSONValue?
        for member in members {
            switch member.key {
            case "from", "to": break
            case "join": join = member.value
            default: unknownKey(member, "a control link", ["from", "to", "join"])
            }
        }
        guard let (from, to) = ends(members, "control", at: value.position) else { return nil }
        return ControlDocument(from: from, to: to, join: join, position: value.position)
    }

    private func ends(
        _ members: [JSONValue.Member], _ noun: String, at position: SourcePosition
    ) -> (EndDocument, EndDocument)? {
        func end(_ key: String) -> EndDocument? {
            guard let value = members.first(where: { $0.key == key })?.value else {
                bag.error(position, "the \(noun) has no \(quoted(key)).", advice: "Add \(quoted(key)): \"node.port\".")
                return nil
            }
            return string(value, quoted(key)).flatMap { readEnd($0, at: value.position, noun) }
        }
        let from = end("from")
        let to = end("to")
        guard let from, let to else { return nil }
        return (from, to)
    }

    private func chain(
        _ text: String, at position: SourcePosition, _ noun: String
    ) -> [(EndDocument, EndDocument)] {
        let parts = splitAtArrows(text)
        if parts.count < 2 {
            bag.error(
                position, "\(noun) \(quoted(text)) has no arrow.", advice: "Write \"a -> b\", or \"a.out -> b.in\".")
            return []
        }
        var ends: [EndDocument] = []
        for part in parts {
            if part.isEmpty {
                bag.error(
                    position, "\(noun) \(quoted(text)) lacks an end.", advice: "Write a node on each side of \"->\".")
                return []
            }
            guard let end = readEnd(part, at: position, noun) else { return [] }
            ends.append(end)
        }
        return zip(ends, ends.dropFirst()).map { ($0, $1) }
    }

    private func splitAtArrows(_ text: String) -> [String] {
        var parts = [""]
        var isDash = false
        for character in text {
            if isDash, character == ">" {
                parts[parts.count - 1].removeLast()
                parts.append("")
                isDash = false
            } else {
                parts[parts.count - 1].append(character)
                isDash = character == "-"
            }
        }
        return parts.map { part in
            let trimmed = part.drop { $0 == " " || $0 == "\t" }
            let blanks = trimmed.reversed().prefix { $0 == " " || $0 == "\t" }.count
            return String(trimmed.dropLast(blanks))
        }
    }

    /// `node`, `node.port`, `$parent.node` or `$parent.node.port`.
    private func readEnd(_ text: String, at position: SourcePosition, _ noun: String) -> EndDocument? {
        var parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let isParent = parts[0] == "$parent"
        if isParent { parts.removeFirst() }
        guard (1...2).contains(parts.count), !parts.contains(where: { $0.isEmpty || $0.contains(where: isSpace) })
        else {
            bag.error(
                position, "\(quoted(text)) is not an end of \(noun == "edge" ? "an edge" : "a control link").",
                advice: "Write \"node\", \"node.port\" or, inside a template, \"$parent.node.port\".")
            return nil
        }
        return EndDocument(
            text: abbreviated(text), node: parts[0], port: parts.count == 2 ? parts[1] : nil, isParent: isParent,
            position: position)
    }

    private func isSpace(_ character: Character) -> Bool { character.isWhitespace }
}

extension EdgeDocument {
    fileprivate init(
        from: EndDocument = .none, to: EndDocument = .none, position: SourcePosition
    ) {
        self.init(
            from: from, to: to, items: nil, milliseconds: nil, bytes: nil, overflow: nil, epoch: nil, optional: nil,
            position: position)
    }
}

extension EndDocument {
    fileprivate static let none = EndDocument(
        text: "", node: "", port: nil, isParent: false, position: SourcePosition(line: 0, column: 0))
}
