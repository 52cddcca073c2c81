@_spi(Host) import Sluice

/// The facts that a user of a graph needs, as `inspect GRAPH` and `run GRAPH --help` print them.
struct GraphPage {
    let path: String
    let document: GraphDocument

    /// Reads the graph that an operand names. Throws `GraphError` where there is none or it cannot be read.
    init(_ operand: String) throws {
        path = try Surroundings.graphs.path(of: operand)
        let bytes: [UInt8]
        do { bytes = try GraphFiles.system.read(path) } catch {
            let reason = (error as? FileProblem)?.reason ?? "it cannot be read"
            throw GraphError([Diagnostic(file: path, "the graph cannot be read: \(reason).", advice: "Check the path.")]
            )
        }
        document = try GraphLoader.document(bytes, path: path)
    }

    var text: String {
        var text = document.summary.isEmpty ? "" : document.summary + "\n"
        text += table([("  graph", path)])
        let rows = document.parameters.map { ("  \($0.name)", row($0)) }
        text +=
            rows.isEmpty ? "\nIt has no parameters.\n" : "\nParameters, each given by --set name=value\n" + table(rows)
        return text + "\nExample\n  \(example)\n"
    }

    private func row(_ parameter: ParameterDeclaration) -> String {
        let facts = ParameterFacts.of(parameter).joined(separator: ", ")
        return parameter.help.isEmpty ? facts : "\(parameter.help) (\(facts))"
    }

    private var example: String {
        let name = path.hasPrefix("graphs/") ? GraphLoader.name(ofPath: path) : path
        guard let first = document.parameters.first(where: { !$0.isSecret }) else { return "sluice run \(name)" }
        return "sluice run \(name) --set \(first.name)=\(value(of: first.spec))"
    }

    private func value(of parameter: ParameterSpec) -> String {
        guard let value = parameter.defaultValue else { return "…" }
        if case .string(let text) = value { return text.isEmpty || text.contains(" ") ? "'\(text)'" : text }
        return value.description
    }
}

extension ParameterFacts {
    /// Type, range, default, and where else the value comes from.
    static func of(_ parameter: ParameterDeclaration) -> [String] {
        let spec = parameter.spec
        var facts = of(spec)
        if spec.defaultValue == nil { facts.removeAll { $0 == mustBeGiven } }
        var places: [String] = []
        if let variable = parameter.environmentVariable {
            places.append("from the environment as \(variable), or as a file that \(variable)_FILE names")
        }
        if let file = parameter.file { places.append("from the file \(file)") }
        if parameter.needsValue { places.append(mustBeGiven) }
        if parameter.isSecret { facts.append("secret: never from --set, never shown") }
        return facts + places
    }
}
