/// Where the values of parameters come from besides the file itself.
@_spi(Host) public struct ParameterSources: Sendable {
    /// `--set name=value`, as text.
    public var overrides: [String: String]
    /// A variable of the environment; nil where it is not set.
    public var environment: @Sendable (String) -> String?
    /// The bytes of a file; throws `FileProblem`.
    public var readFile: @Sendable (String) throws -> [UInt8]
    /// The meaning of a parameter without any value.
    public var missing: Missing

    public enum Missing: Sendable {
        /// An error that says how to give it: `run`.
        case isError
        /// Its value is left open, and what depends on it is not checked: `validate`, `draw`.
        case isOpen
    }

    public init(
        overrides: [String: String] = [:], environment: @escaping @Sendable (String) -> String? = { _ in nil },
        readFile: @escaping @Sendable (String) throws -> [UInt8] = { _ in throw FileProblem("files are not read") },
        missing: Missing = .isError
    ) {
        self.overrides = overrides
        self.environment = environment
        self.readFile = readFile
        self.missing = missing
    }
}

/// Fills the scope of a graph or template. Precedence: `--set`, the environment, the file, the default. An empty
/// variable counts as not set.
struct ParameterBinder {
    let sources: ParameterSources
    let bag: DiagnosticBag
    /// nil for the graph; `template "viewer"` for a template, whose parameters are not set from the command line.
    var template: String?

    /// `outer` is what defaults may refer to: nothing in a graph, the graph's parameters in a template.
    func bind(_ declarations: [ParameterDeclaration], outer: ParameterScope) -> ParameterScope {
        var scope = outer
        scope.owner = template ?? "the graph"
        for declaration in declarations {
            let resolved = value(of: declaration, outer: outer)
            scope.entries[declaration.name] = ParameterScope.Entry(
                type: declaration.type, value: resolved?.value,
                isSecret: declaration.isSecret || resolved?.isSecret == true)
        }
        if template == nil { checkOverrides(declarations) }
        return scope
    }

    private func value(of parameter: ParameterDeclaration, outer: ParameterScope) -> Resolved? {
        let label = (template.map { "\($0): " } ?? "") + "parameter \(quoted(parameter.name))"
        // The default is checked even where something else replaces it.
        let fallback = parameter.defaultValue.flatMap { self.defaultValue($0, of: parameter, label, outer: outer) }
        if template == nil, let text = sources.overrides[parameter.name] {
            if !parameter.isSecret { return parse(text, parameter, "--set \(parameter.name)=\(abbreviated(text))") }
            bag.error(
                nil,
                "--set \(parameter.name): \(quoted(parameter.name)) is a secret, and every process can read arguments.",
                advice: secretAdvice(parameter))
            return nil
        }
        if let variable = parameter.environmentVariable {
            if let text = sources.environment(variable), !text.isEmpty {
                return parse(text, parameter, "the environment variable \(variable)")
            }
            if let path = sources.environment(variable + "_FILE"), !path.isEmpty {
                return read(path, parameter, "\(variable)_FILE")
            }
        }
        if let path = parameter.file, parameter.defaultValue == nil || isReadable(path) {
            if sources.missing == .isOpen, !isReadable(path) { return nil }
            return read(path, parameter, "parameter \(quoted(parameter.name))")
        }
        if parameter.defaultValue == nil, template == nil, sources.missing == .isError {
            bag.error(
                parameter.position, "\(label) has no value.",
                advice: parameter.isSecret
                    ? secretAdvice(parameter) : "Give it with --set \(parameter.name)=…, or add a \"default\".")
        }
        return fallback
    }

    private func defaultValue(
        _ json: JSONValue, of parameter: ParameterDeclaration, _ label: String, outer: ParameterScope
    ) -> Resolved? {
        if template == nil, let text = json.string, text.contains("${"), !parameter.isSecret {
            bag.error(
                json.position, "\(label): a default cannot refer to another parameter.",
                advice: "Use both where the value is needed: \"${a}/${b}\".")
            return nil
        }
        if parameter.isSecret, template == nil {
            if let value = ParameterValue(json).flatMap(parameter.type.convert) {
                return Resolved(value: value, isSecret: true)
            }
            bag.error(json.position, "\(label): the default is not \(parameter.type.wanted).")
            return nil
        }
        return outer.resolve(
            json, as: parameter.type, range: parameter.range, label: "\(label): \"default\"", allowsSecret: true, bag)
    }

    private func isReadable(_ path: String) -> Bool { (try? sources.readFile(path)) != nil }

    private func read(_ path: String, _ parameter: ParameterDeclaration, _ origin: String) -> Resolved? {
        do {
            var bytes = try sources.readFile(path)
            while let last = bytes.last, last == 0x0A || last == 0x0D { bytes.removeLast() }
            guard let text = String(validating: bytes, as: UTF8.self) else { throw FileProblem("it is not UTF-8 text") }
            return parse(text, parameter, "the file \(path)")
        } catch {
            let reason = (error as? FileProblem)?.reason ?? "it cannot be read"
            bag.error(
                parameter.position,
                "parameter \(quoted(parameter.name)): the file \(quoted(path)) that \(origin) names: \(reason).",
                advice: "Create it, or name another.")
            return nil
        }
    }

    private func parse(_ text: String, _ parameter: ParameterDeclaration, _ origin: String) -> Resolved? {
        let position = origin.hasPrefix("--set") ? nil : parameter.position
        guard let value = parameter.type.parse(text) else {
            let shown = parameter.isSecret || position == nil ? "" : ", found \(quoted(text))"
            bag.error(position, "\(origin): \(quoted(parameter.name)) takes \(parameter.type.wanted)\(shown).")
            return nil
        }
        guard value.isInside(parameter.range) else {
            bag.error(
                position, "\(origin): \(quoted(parameter.name)) takes \(describe(parameter.range!)).")
            return nil
        }
        return Resolved(value: value, isSecret: parameter.isSecret)
    }

    private func secretAdvice(_ parameter: ParameterDeclaration) -> String {
        if let variable = parameter.environmentVariable {
            return "Set \(variable) in the environment, or \(variable)_FILE to the path of a file that holds it."
        }
        return parameter.file.map { "Write it to the file \(quoted($0))." } ?? "Give the parameter an \"env\"."
    }

    /// The value of an unknown name is not shown: it may be a secret whose name was mistyped.
    private func checkOverrides(_ declarations: [ParameterDeclaration]) {
        let names = declarations.map(\.name)
        for name in sources.overrides.keys.sorted() where !names.contains(name) {
            bag.error(
                nil, "--set \(name): the graph has no parameter \(quoted(name)).",
                advice: names.isEmpty
                    ? "It declares none." : suggestion(for: name, in: names, listing: "The parameters are"))
        }
    }
}
