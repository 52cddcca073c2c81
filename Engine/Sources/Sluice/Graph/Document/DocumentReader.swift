/// Makes a `GraphDocument` of JSON; what is wrong goes to the bag and the rest is read on.
struct DocumentReader {
    let bag: DiagnosticBag

    func read(_ json: JSONValue) -> GraphDocument {
        var document = GraphDocument(
            file: bag.file, summary: "", parameters: [], body: SessionDocument())
        guard let members = json.members else {
            bag.error(
                json.position, "a graph is a JSON object, found \(json.kindName).",
                advice: "Begin with { \"nodes\": { … }, \"edges\": [ … ] }.")
            return document
        }
        for member in members {
            switch member.key {
            case "$schema": _ = string(member.value, "\"$schema\"")
            case "lanes": document.lanes = object(member.value, "\"lanes\"").compactMap(readLane)
            case "services":
                document.services = object(member.value, "\"services\"").compactMap(readService)
            default:
                let keys = [
                    "$schema", "summary", "parameters", "nodes", "edges", "controls", "lanes", "services", "templates",
                    "start",
                ]
                readCommon(
                    member, owner: "the graph", keys: keys, depth: 0, &document.summary, &document.parameters,
                    &document.body)
            }
        }
        requireNodes(members, "the graph", json.position)
        return document
    }

    /// Templates inside each other.
    static let maximumNesting = 8

    private func readTemplate(_ template: JSONValue.Member, depth: Int) -> TemplateDocument? {
        guard depth <= Self.maximumNesting else {
            bag.error(
                template.keyPosition, "templates nest more than \(Self.maximumNesting) deep.",
                advice: "Move \(quoted(template.key)) further out: a node starts templates of every session around it.")
            return nil
        }
        checkName(template.key, at: template.keyPosition, "template")
        let owner = "template \(quoted(template.key))"
        var result = TemplateDocument(
            name: template.key, position: template.keyPosition, summary: "", parameters: [], body: SessionDocument())
        guard let members = members(template.value, owner) else { return result }
        for member in members {
            let keys = ["summary", "parameters", "nodes", "edges", "controls", "templates", "start"]
            if ["lanes", "services"].contains(member.key) {
                bag.error(
                    member.keyPosition, "\(owner): \(member.key) are the whole graph's.",
                    advice: "Move \(quoted(member.key)) to the top level of the graph.")
                continue
            }
            readCommon(
                member, owner: owner, keys: keys, depth: depth, &result.summary, &result.parameters, &result.body)
        }
        requireNodes(members, owner, template.keyPosition)
        return result
    }

    private func requireNodes(_ members: [JSONValue.Member], _ owner: String, _ position: SourcePosition) {
        if !members.contains(where: { $0.key == "nodes" && $0.value.members?.isEmpty != true }) {
            bag.error(
                position, "\(owner) has no nodes.", advice: "Add \"nodes\": { \"name\": { \"type\": \"…\" } }.")
        }
    }

    private func readCommon(
        _ member: JSONValue.Member, owner: String, keys: [String], depth: Int, _ summary: inout String,
        _ parameters: inout [ParameterDeclaration], _ body: inout SessionDocument
    ) {
        switch member.key {
        case "summary": summary = string(member.value, "\"summary\"") ?? ""
        case "parameters": parameters = object(member.value, "\"parameters\"").compactMap(readParameter)
        case "nodes": body.nodes = object(member.value, "\"nodes\"").map(readNode)
        case "edges":
            let edges = array(member.value, "\"edges\"").map(readEdge)
            body.edges = edges.flatMap { $0 }
            body.hasBrokenEdges = member.value.array == nil || edges.contains(where: \.isEmpty)
        case "templates":
            body.templates = object(member.value, "\"templates\"").compactMap { readTemplate($0, depth: depth + 1) }
        case "start": body.start = array(member.value, "\"start\"").compactMap(readStart)
        case "controls": body.controls = array(member.value, "\"controls\"").compactMap(readControl)
        default: unknownKey(member, owner, keys)
        }
    }

    private func readNode(_ node: JSONValue.Member) -> NodeDocument {
        checkName(node.key, at: node.keyPosition, "node")
        var result = NodeDocument(
            name: node.key, position: node.keyPosition, type: nil, typePosition: node.value.position, lane: nil,
            onError: nil, lossless: nil, parameters: [])
        let owner = "node \(quoted(node.key))"
        guard let members = members(node.value, owner) else { return result }
        var hasType = false
        for member in members {
            switch member.key {
            case "$comment": break
            case "type":
                hasType = true
                result.type = string(member.value, "\(owner): \"type\"")
                result.typePosition = member.value.position
            case "lane": result.lane = member.value
            case "on_error": result.onError = member.value
            case "lossless": result.lossless = member.value
            case "when": result.when = member.value
            default: result.parameters.append(member)
            }
        }
        if !hasType {
            bag.error(node.keyPosition, "\(owner) has no type.", advice: "Add \"type\"; \"sluice list\" shows them.")
        }
        return result
    }

    private func readStart(_ entry: JSONValue) -> StartDocument? {
        guard let members = members(entry, "an entry of \"start\"") else { return nil }
        var template: JSONValue?
        var result = StartDocument(
            template: "", templatePosition: entry.position, count: nil, parameters: [], position: entry.position)
        for member in members {
            switch member.key {
            case "template": template = member.value
            case "count": result.count = member.value
            case "parameters":
                result.parameters = object(member.value, "\"parameters\"")
            default: unknownKey(member, "an entry of \"start\"", ["template", "count", "parameters"])
            }
        }
        guard let template else {
            bag.error(entry.position, "an entry of \"start\" names no template.", advice: "Add \"template\".")
            return nil
        }
        guard let name = string(template, "\"template\"") else { return nil }
        result.template = name
        result.templatePosition = template.position
        return result
    }
}

/// Shapes.
extension DocumentReader {
    func members(_ value: JSONValue, _ what: String) -> [JSONValue.Member]? {
        if let members = value.members { return members }
        bag.error(value.position, "\(what) takes an object, found \(value.kindName).", advice: "Write { … }.")
        return nil
    }

    /// The members without comments.
    func object(_ value: JSONValue, _ what: String) -> [JSONValue.Member] {
        (members(value, what) ?? []).filter { $0.key != "$comment" }
    }

    func array(_ value: JSONValue, _ what: String) -> [JSONValue] {
        if let values = value.array { return values }
        bag.error(value.position, "\(what) takes an array, found \(value.kindName).", advice: "Write [ … ].")
        return []
    }

    func string(_ value: JSONValue, _ what: String) -> String? {
        if let text = value.string { return text }
        bag.error(value.position, "\(what) takes a string, found \(value.kindName).")
        return nil
    }

    func boolean(_ value: JSONValue, _ what: String) -> Bool {
        if let flag = value.boolean { return flag }
        bag.error(value.position, "\(what) takes true or false, found \(value.kindName).")
        return false
    }

    func unknownKey(_ member: JSONValue.Member, _ owner: String, _ keys: [String]) {
        guard member.key != "$comment" else { return }
        bag.error(
            member.keyPosition, "\(owner) has no key \(quoted(member.key)).",
            advice: suggestion(for: member.key, in: keys, listing: "Its keys are"))
    }

    /// Lower case letters, digits, `_` and `-`, a letter first.
    func checkName(_ name: String, at position: SourcePosition, _ noun: String) {
        let isValid =
            name.utf8.count <= 64 && name.utf8.first.map { (0x61...0x7A).contains($0) } == true
            && name.utf8.allSatisfy {
                (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x5F
            }
        if !isValid {
            bag.error(
                position, "\(quoted(name)) cannot be the name of a \(noun).",
                advice: "Begin with a lower-case letter; letters, digits, \"_\" and \"-\" may follow, at most 64.")
        }
    }
}
