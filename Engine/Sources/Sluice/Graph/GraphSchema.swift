/// The JSON Schema (draft-07, which editors know best) of graph files that use the node types of a catalog.
///
/// It refuses what is structurally wrong: unknown keys and types, values of the wrong type or out of range, broken
/// edges. Whether names exist and formats agree is left to validation.
@_spi(Host) public struct GraphSchema {
    private let catalog: any NodeCatalog

    public init(_ catalog: any NodeCatalog) { self.catalog = catalog }

    /// The schema as JSON text, ending in a line feed; the same catalog gives the same bytes.
    public var text: String { json.text + "\n" }

    public var json: JSONValue {
        var definitions: [(String, JSONValue)] = [
            ("reference", ["type": "string", "pattern": "^\\$\\{[a-z][a-z0-9_]*\\}$"]),
            ("name", ["pattern": "^[a-z][a-z0-9_-]{0,63}$"]),
            ("laneName", ["type": "string", "minLength": 1]),
            ("parameterName", ["pattern": "^[a-z][a-z0-9_]{0,63}$", "not": ["const": "instance"]]),
            ("scalar", ["type": ["string", "number", "boolean"]]),
            ("comment", [:]),
            ("end", ["type": "string", "pattern": .init(stringLiteral: Self.end("^", "$"))]),
            ("edge", edge), ("control", control), ("parameter", parameter), ("node", node), ("template", template),
            ("start", start), ("lane", lane), ("placement", placement),
        ]
        for type in catalog.types.sorted() {
            if let spec = catalog.spec(for: type) { definitions.append(("type-\(type)", nodeType(spec))) }
        }
        var properties = sessionProperties
        properties.insert(("$schema", ["type": "string"]), at: 0)
        properties += [
            ("lanes", map(of: "lane", names: "laneName", "Settings of threads, given where the system allows it.")),
            ("services", services),
        ]
        return object([
            ("$schema", "http://json-schema.org/draft-07/schema#"),
            ("title", "Sluice graph"),
            ("type", "object"),
            ("required", ["nodes"]),
            ("properties", object(commented(properties))),
            ("additionalProperties", false),
            ("definitions", object(definitions)),
        ])
    }

    private var sessionProperties: [(String, JSONValue)] {
        [
            ("summary", ["type": "string", "description": "One sentence on what it is for."]),
            ("parameters", map(of: "parameter", names: "parameterName", "The value that ${name} stands for.")),
            ("nodes", map(of: "node", names: "name", "The steps by name.", atLeast: 1)),
            (
                "edges",
                ["description": "Media from outputs to inputs.", "type": "array", "items": reference("edge")]
            ),
            (
                "controls",
                ["description": "Messages between nodes, no media.", "type": "array", "items": reference("control")]
            ),
            ("templates", map(of: "template", names: "name", "Sub-graphs that are started per session.")),
            (
                "start",
                [
                    "description": "Template instances that run from the beginning.", "type": "array",
                    "items": reference("start"),
                ]
            ),
        ]
    }

    private var template: JSONValue { closed(sessionProperties, required: ["nodes"]) }

    private static func end(_ before: String, _ after: String) -> String {
        before + "(\\$parent\\.)?[a-z][a-z0-9_-]*(\\.[a-z][a-z0-9_-]*)?" + after
    }

    private static func chain(_ repeated: String) -> JSONValue {
        let text = end("^\\s*", "") + "(\\s*->\\s*" + end("", "") + ")" + repeated + "\\s*$"
        return ["type": "string", "pattern": JSONValue(stringLiteral: text)]
    }

    private var edge: JSONValue {
        let capacity = closed(
            [
                ("items", bounded("integer", EdgePolicy.Capacity.itemRange, "Items that it holds at most.")),
                (
                    "ms",
                    bounded(
                        "integer", EdgePolicy.Capacity.millisecondRange, "Milliseconds of media that it holds at most.")
                ),
                ("bytes", bounded("integer", EdgePolicy.Capacity.byteRange, "Bytes of payload that it holds at most.")),
            ], atLeast: 1)
        return [
            "anyOf": [
                Self.chain("+"),
                closed(
                    [
                        ("from", reference("end")), ("to", reference("end")), ("capacity", capacity),
                        (
                            "overflow",
                            choice(EdgePolicy.Overflow.allCases.map(\.rawValue), "Its behaviour when it is full.")
                        ),
                        ("epoch", choice(EdgePolicy.Epoch.allCases.map(\.rawValue), "Its treatment of stale items.")),
                        (
                            "optional",
                            orReference([
                                "type": "boolean", "description": "Vanishes when the source has no such stream.",
                            ])
                        ),
                    ], required: ["from", "to"]),
            ]
        ]
    }

    private var control: JSONValue {
        [
            "anyOf": [
                Self.chain("{1}"),
                closed(
                    [
                        ("from", reference("end")), ("to", reference("end")),
                        (
                            "join",
                            choice(
                                ControlPlan.Combination.allCases.map(\.rawValue), "How several instances become one.")
                        ),
                    ], required: ["from", "to"]),
            ]
        ]
    }

    private var parameter: JSONValue {
        closed([
            ("type", ["enum": ["string", "integer", "number", "boolean"]]),
            ("default", reference("scalar")),
            ("range", ["type": "array", "items": ["type": "number"], "minItems": 2, "maxItems": 2]),
            ("choices", ["type": "array", "items": ["type": "string"], "minItems": 1]),
            ("help", ["type": "string"]),
            ("secret", ["type": "boolean", "description": "Never shown, not taken from the command line."]),
            ("env", ["type": "string", "description": "The environment variable that gives it."]),
            ("file", ["type": "string", "description": "The file that gives it."]),
        ])
    }

    private var lane: JSONValue {
        let cpus: JSONValue = [
            "description": "CPUs that it may run on: numbers and ranges.", "type": "string",
            "pattern": "^[ ]*[0-9]+[ ]*(-[ ]*[0-9]+[ ]*)?(,[ ]*[0-9]+[ ]*(-[ ]*[0-9]+[ ]*)?)*$",
        ]
        let lock: JSONValue = ["description": "Keeps the process in memory.", "type": "boolean"]
        return closed(
            [
                ("cpus", orReference(cpus)), ("nice", bounded("integer", -20...19, "Nice value of the thread.")),
                ("priority", bounded("integer", 1...99, "SCHED_FIFO priority of the thread.")),
                ("lock_memory", orReference(lock)),
                ("pipe_kib", bounded("integer", 4...1_048_576, "Size of the pipes that its nodes use.")),
            ], atLeast: 1)
    }

    /// Where a node runs.
    private var placement: JSONValue {
        let range = Double(LanePool.range.lowerBound)...Double(LanePool.range.upperBound)
        let pool = closed(
            [
                ("pool", ["type": "string", "minLength": 1]), ("lanes", bounded("integer", range, "How many.")),
            ], required: ["pool", "lanes"], description: "The lane of these that has the fewest nodes.")
        return ["anyOf": [["type": "string", "minLength": 1, "description": "The thread that it runs on."], pool]]
    }

    private var services: JSONValue {
        let known = catalog.serviceNames.compactMap(catalog.service(named:))
        return closed(
            known.map { ($0.name, settings(of: $0)) },
            description: "Services that plugins provide to nodes, set up for this graph.")
    }

    private var start: JSONValue {
        closed(
            [
                ("template", ["type": "string"]),
                ("count", bounded("integer", 0...Double(GraphValidator.maximumCount), "Instances; 1 when left out.")),
                ("parameters", ["type": "object", "additionalProperties": reference("scalar")]),
            ], required: ["template"])
    }
}

/// Node types.
extension GraphSchema {
    /// The definition of the type that the node names; an unknown type fails at `enum`.
    private var node: JSONValue {
        let specs = catalog.types.sorted().compactMap(catalog.spec)
        let branches = specs.map { spec -> JSONValue in
            [
                "if": ["properties": ["type": ["const": JSONValue(stringLiteral: spec.type)]], "required": ["type"]],
                "then": reference("type-\(spec.type)"),
            ]
        }
        return object([
            ("type", "object"),
            ("required", ["type"]),
            (
                "properties",
                [
                    "type": [
                        "description": "The node type.",
                        "enum": JSONValue(JSONValue.Kind.array(specs.map { JSONValue(stringLiteral: $0.type) })),
                    ]
                ]
            ),
            ("allOf", JSONValue(JSONValue.Kind.array(branches))),
        ])
    }

    private func nodeType(_ spec: NodeSpec) -> JSONValue {
        var properties: [(String, JSONValue)] = [
            ("type", ["const": JSONValue(stringLiteral: spec.type)]),
            ("lane", reference("placement")),
            ("on_error", choice(NodePlan.OnError.allCases.map(\.rawValue), "The effect of an error of this node.")),
            ("when", when),
        ]
        if spec.descriptor.traits.contains(.shares) {
            let help: JSONValue = [
                "type": "boolean", "description": "Edges from it may block; the slowest reader then governs.",
            ]
            properties.append(("lossless", orReference(help)))
        }
        properties += grouped(spec.parameters)
        let required = spec.parameters.filter { $0.defaultValue == nil }.map(\.name)
        return closed(properties, required: ["type"] + required, description: spec.descriptor.summary)
    }

    private var when: JSONValue {
        let values: JSONValue = [
            "anyOf": [reference("scalar"), ["type": "array", "items": reference("scalar"), "minItems": 1]]
        ]
        return [
            "type": "object", "minProperties": 1,
            "description": "Only for these values of the graph's parameters is it there.",
            "additionalProperties": ["anyOf": [values, closed([("not", values)], required: ["not"])]],
        ]
    }

    private func settings(of spec: ServiceSpec) -> JSONValue {
        let required = spec.settings.filter { $0.defaultValue == nil }.map(\.name)
        return closed([("when", when)] + grouped(spec.settings), required: required, description: spec.summary)
    }

    private func grouped(_ parameters: [ParameterSpec]) -> [(String, JSONValue)] {
        ParameterGroups.grouped(parameters).map { key, members, isGroup in
            guard isGroup else { return (key, schema(of: members[0])) }
            let inner = members.map { (String($0.name.dropFirst(key.count + 1)), schema(of: $0)) }
            return (key, closed(inner, atLeast: 1))
        }
    }

    private func schema(of parameter: ParameterSpec) -> JSONValue {
        var members: [(String, JSONValue)] = [("description", .init(stringLiteral: parameter.help))]
        if let value = parameter.defaultValue { members.append(("default", JSONValue(parameter: value))) }
        switch parameter.type {
        case .string: return object(members + [("type", "string")])
        case .choice(let choices):
            return choice(choices, parameter.help, defaultValue: parameter.defaultValue)
        case .boolean: members.append(("type", "boolean"))
        case .integer, .number:
            members.append(("type", .init(stringLiteral: parameter.type.name)))
            if let range = parameter.range { members += bounds(range) }
        }
        return orReference(object(members))
    }
}

/// Building blocks.
extension GraphSchema {
    private func object(_ members: [(String, JSONValue)]) -> JSONValue {
        JSONValue(JSONValue.Kind.object(members.map { JSONValue.Member($0, $1) }))
    }

    private func reference(_ name: String) -> JSONValue {
        ["$ref": JSONValue(stringLiteral: "#/definitions/\(name)")]
    }

    private func commented(_ properties: [(String, JSONValue)]) -> [(String, JSONValue)] {
        properties + [("$comment", reference("comment"))]
    }

    /// An object with these keys, `$comment` and no others.
    private func closed(
        _ properties: [(String, JSONValue)], required: [String] = [], atLeast: Int = 0, description: String = ""
    ) -> JSONValue {
        var members: [(String, JSONValue)] = []
        if !description.isEmpty { members.append(("description", .init(stringLiteral: description))) }
        members.append(("type", "object"))
        if !required.isEmpty {
            members.append(("required", JSONValue(JSONValue.Kind.array(required.map { .init(stringLiteral: $0) }))))
        }
        if atLeast > 0 { members.append(("minProperties", .init(integerLiteral: atLeast))) }
        members.append(("properties", object(commented(properties))))
        members.append(("additionalProperties", false))
        return object(members)
    }

    private func map(of definition: String, names: String, _ description: String, atLeast: Int = 0) -> JSONValue {
        object([
            ("description", .init(stringLiteral: description)),
            ("type", "object"),
            ("minProperties", .init(integerLiteral: atLeast)),
            ("properties", object(commented([]))),
            ("propertyNames", ["anyOf": [["const": "$comment"], reference(names)]]),
            ("additionalProperties", reference(definition)),
        ])
    }

    private func orReference(_ schema: JSONValue) -> JSONValue { ["anyOf": [schema, reference("reference")]] }

    private func bounds(_ range: ClosedRange<Double>) -> [(String, JSONValue)] {
        var members: [(String, JSONValue)] = []
        if range.lowerBound > -9e18 { members.append(("minimum", number(range.lowerBound))) }
        if range.upperBound < 9e18 { members.append(("maximum", number(range.upperBound))) }
        return members
    }

    private func number(_ value: Double) -> JSONValue {
        Int(exactly: value).map { JSONValue(integerLiteral: $0) } ?? JSONValue(floatLiteral: value)
    }

    private func bounded(_ type: String, _ range: ClosedRange<Double>, _ help: String) -> JSONValue {
        orReference(
            object([("description", .init(stringLiteral: help)), ("type", .init(stringLiteral: type))] + bounds(range)))
    }

    private func choice(_ values: [String], _ help: String, defaultValue: ParameterValue? = nil) -> JSONValue {
        var members: [(String, JSONValue)] = [
            ("description", .init(stringLiteral: help)),
            ("enum", JSONValue(JSONValue.Kind.array(values.map { .init(stringLiteral: $0) }))),
        ]
        if let defaultValue { members.append(("default", JSONValue(parameter: defaultValue))) }
        return ["anyOf": [object(members), ["type": "string", "pattern": "\\$\\{[a-z][a-z0-9_]*\\}"]]]
    }
}
