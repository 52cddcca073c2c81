/// The mistakes in what a node type declares that its author's compiler does not see. They are told when the plugin's
/// manifest is made, not when a graph first meets them.
struct SpecCheck {
    private let spec: NodeSpec

    /// The first mistake of a type, as a clause; nil where there is none.
    static func mistake(in spec: NodeSpec) -> String? {
        let check = SpecCheck(spec: spec)
        return check.descriptor ?? check.ports ?? check.parameters ?? check.controls ?? check.metrics
    }

    private var descriptor: String? {
        if !SpecCheck.isName(spec.type, separator: "-") {
            return "its name is no lower case with hyphens, as noise-gate"
        }
        if spec.descriptor.summary.isEmpty { return "it has no summary" }
        if let condition = spec.descriptor.unpacedIf, parameter(condition.parameter) == nil {
            return "unpacedIf names \(quoted(condition.parameter)), which is none of its parameters"
        }
        return nil
    }

    private var ports: String? {
        for (kind, ports) in [("input", spec.inputs), ("output", spec.outputs)] {
            if let name = SpecCheck.double(ports.map(\.name)) { return "it has two \(kind)s \(quoted(name))" }
            for port in ports {
                let owner = "\(kind) \(quoted(port.name))"
                if !SpecCheck.isName(port.name, separator: "_") { return "\(owner): its name is no snake_case" }
                if let followed = port.follows, !spec.inputs.contains(where: { $0.name == followed }) {
                    return "\(owner) follows \(quoted(followed)), which is none of its inputs"
                }
                if let variant = port.variants.first(where: { parameter($0.parameter) == nil }) {
                    return "\(owner) depends on \(quoted(variant.parameter)), which is none of its parameters"
                }
            }
        }
        return nil
    }

    /// Keys that every node in a graph may have.
    private static let reserved: Set<String> = ["type", "lane", "on_error", "lossless", "when"]

    private var parameters: String? {
        if let name = SpecCheck.double(spec.parameters.map(\.name)) { return "it has two parameters \(quoted(name))" }
        for parameter in spec.parameters {
            let owner = "parameter \(quoted(parameter.name))"
            // A group's members have its name and a point before theirs.
            let parts = parameter.name.split(separator: ".", omittingEmptySubsequences: false)
            if !parts.allSatisfy({ SpecCheck.isName(String($0), separator: "_") }) {
                return "\(owner): its name is no snake_case"
            }
            if SpecCheck.reserved.contains(parameter.name) { return "\(owner): every node has that key already" }
            if case .choice(let choices) = parameter.type {
                if let choice = SpecCheck.double(choices) { return "\(owner) has the choice \(quoted(choice)) twice" }
            }
            guard let value = parameter.defaultValue else { continue }
            guard let fitting = parameter.type.convert(value) else {
                return "\(owner): its default \(value.shown) is not \(parameter.type.wanted)"
            }
            guard let range = parameter.range, let number = fitting.double else { continue }
            if !range.contains(number) {
                let bounds = [range.lowerBound, range.upperBound].map { ParameterValue.number($0).description }
                return "\(owner): its default \(value.shown) is outside of its range \(bounds[0]) to \(bounds[1])"
            }
        }
        return nil
    }

    private var controls: String? {
        for (verb, controls) in [("takes", spec.controlInputs), ("sends", spec.controlOutputs)] {
            if let name = SpecCheck.double(controls.map(\.name)) {
                return "it \(verb) the control \(quoted(name)) twice"
            }
            if let control = controls.first(where: { !SpecCheck.isName($0.name, separator: "_") }) {
                return "control \(quoted(control.name)): its name is no snake_case"
            }
        }
        return nil
    }

    private var metrics: String? {
        SpecCheck.double(spec.metrics.map(\.name)).map { "it has two metrics \(quoted($0))" }
    }

    private func parameter(_ name: String) -> ParameterSpec? { spec.parameters.first { $0.name == name } }

    /// The first that is there twice.
    private static func double(_ names: [String]) -> String? {
        var seen: Set<String> = []
        return names.first { !seen.insert($0).inserted }
    }

    /// Words of lower case letters and digits with single separators between them, a letter first.
    private static func isName(_ name: String, separator: Character) -> Bool {
        let words = name.split(separator: separator, omittingEmptySubsequences: false)
        guard name.utf8.first.map({ (0x61...0x7A).contains($0) }) == true else { return false }
        return words.allSatisfy { word in
            !word.isEmpty && word.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) }
        }
    }
}
