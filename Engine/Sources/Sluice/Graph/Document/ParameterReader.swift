/// The `parameters` section of a graph or template.
extension DocumentReader {
    /// The number of a template's instance, counted from 1, which every template has without declaring it.
    static let instanceParameter = "instance"

    func readParameter(_ parameter: JSONValue.Member) -> ParameterDeclaration? {
        let name = parameter.key
        let owner = "parameter \(quoted(name))"
        checkParameterName(name, at: parameter.keyPosition)
        guard let members = members(parameter.value, owner) else { return nil }
        var result = ParameterDeclaration(
            name: name, position: parameter.keyPosition, type: .string, defaultValue: nil, range: nil, help: "",
            isSecret: false, environmentVariable: nil, file: nil)
        var type: ParameterValue.Kind?
        var choices: [String]?
        var range: JSONValue.Member?
        for member in members {
            switch member.key {
            case "type": type = readType(member.value, owner)
            case "default": result.defaultValue = member.value
            case "range": range = member
            case "choices": choices = readChoices(member.value, owner)
            case "help": result.help = string(member.value, "\(owner): \"help\"") ?? ""
            case "secret": result.isSecret = boolean(member.value, "\(owner): \"secret\"")
            case "env": result.environmentVariable = string(member.value, "\(owner): \"env\"")
            case "file": result.file = string(member.value, "\(owner): \"file\"")
            default:
                unknownKey(
                    member, owner, ["type", "default", "range", "choices", "help", "secret", "env", "file"])
            }
        }
        result.type = choices.map(ParameterValue.Kind.choice) ?? type ?? inferredType(result.defaultValue)
        if choices != nil, let type, type != .string {
            bag.error(parameter.keyPosition, "\(owner) has choices and is no string.", advice: "Remove \"type\".")
        }
        if let range { result.range = readRange(range, type: result.type, owner) }
        checkSecret(result, owner)
        return result
    }

    private func checkParameterName(_ name: String, at position: SourcePosition) {
        let isSnakeCase =
            name.utf8.first.map { (0x61...0x7A).contains($0) } == true && name.utf8.count <= 64
            && name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
        if !isSnakeCase {
            bag.error(
                position, "\(quoted(name)) cannot be the name of a parameter.",
                advice: "Write it in snake_case, a letter first, at most 64 characters.")
        } else if name == Self.instanceParameter {
            bag.error(
                position, "the parameter \"instance\" cannot be declared: it is the number of a template's instance.",
                advice: "Choose another name.")
        }
    }

    private func readType(_ value: JSONValue, _ owner: String) -> ParameterValue.Kind? {
        guard let name = string(value, "\(owner): \"type\"") else { return nil }
        let types: [ParameterValue.Kind] = [.string, .integer, .number, .boolean]
        if let type = types.first(where: { $0.name == name }) { return type }
        bag.error(
            value.position, "\(owner): there is no type \(quoted(name)).",
            advice: suggestion(for: name, in: types.map(\.name), listing: "The types are"))
        return nil
    }

    private func readChoices(_ value: JSONValue, _ owner: String) -> [String]? {
        let choices = array(value, "\(owner): \"choices\"").compactMap { string($0, "\(owner): a choice") }
        if choices.isEmpty {
            if value.array?.isEmpty == true {
                bag.error(value.position, "\(owner): \"choices\" is empty.", advice: "List the strings it may have.")
            }
            return nil
        }
        return choices
    }

    private func inferredType(_ value: JSONValue?) -> ParameterValue.Kind {
        switch value?.kind {
        case .integer: .integer
        case .number: .number
        case .boolean: .boolean
        default: .string
        }
    }

    private func readRange(_ member: JSONValue.Member, type: ParameterValue.Kind, _ owner: String) -> ClosedRange<
        Double
    >? {
        let bounds = member.value.array?.compactMap(\.number) ?? []
        guard bounds.count == 2, member.value.array?.count == 2, bounds[0] <= bounds[1] else {
            bag.error(
                member.value.position, "\(owner): \"range\" takes two numbers, the lower one first.",
                advice: "Write \"range\": [1, 100].")
            return nil
        }
        guard type == .integer || type == .number else {
            bag.error(
                member.keyPosition, "\(owner) has a range and is no number.",
                advice: "Add \"type\": \"integer\" or remove \"range\".")
            return nil
        }
        return bounds[0]...bounds[1]
    }

    private func checkSecret(_ parameter: ParameterDeclaration, _ owner: String) {
        guard parameter.isSecret else { return }
        if parameter.environmentVariable == nil, parameter.file == nil {
            bag.error(
                parameter.position, "\(owner) is a secret and says nowhere where it comes from.",
                advice: "Add \"env\": \"NAME\" or \"file\": \"/path\".")
        }
        if let value = parameter.defaultValue, value.string != "" {
            bag.warning(
                value.position, "\(owner): the default of a secret can be read by all who can read this file.",
                advice: "Use \"default\": \"\" and the environment.")
        }
    }
}
