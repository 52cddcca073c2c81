/// Fills in what a node or a service takes from what the file gives: names, types, ranges, references, defaults.
struct ParameterFilling {
    /// The taker of the parameters, as messages name it: `opus-encoder`, `service "http"`.
    let owner: String
    /// The beginning of each message: `node "opus"`.
    let label: String
    /// The word for its parameters: `parameter`, `setting`.
    let noun: String
    /// Keys that are no parameters and may be given all the same.
    let otherKeys: [String]
    let scope: ParameterScope
    let bag: DiagnosticBag

    /// Given values, those that hold secrets, and those that are not known yet or are wrong.
    struct Result {
        var values: [String: ParameterValue] = [:]
        var secrets: Set<String> = []
        var open: Set<String> = []
        /// Where the given ones stand in the file, right or wrong.
        var places: [String: SourcePosition] = [:]
    }

    func fill(_ parameters: [ParameterSpec], from members: [JSONValue.Member], at position: SourcePosition) -> Result {
        let known = Dictionary(parameters.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var result = Result()
        for member in ParameterGroups.flattened(members, parameters) where member.key != "$comment" {
            guard let parameter = known[member.key] else {
                reportUnknown(member, parameters)
                continue
            }
            result.places[parameter.name] = member.value.position
            let resolved = scope.resolve(
                member.value, as: parameter.type, range: parameter.range, label: "\(label): \(parameter.name)",
                allowsSecret: true, bag)
            result.values[parameter.name] = resolved?.value
            if resolved?.value == nil { result.open.insert(parameter.name) }
            if resolved?.isSecret == true { result.secrets.insert(parameter.name) }
        }
        for parameter in parameters where result.places[parameter.name] == nil && parameter.defaultValue == nil {
            bag.error(
                position, "\(label): \(owner) needs the \(noun) \(quoted(parameter.name)).",
                advice: parameter.help.isEmpty ? "Add it." : "Add it. \(parameter.help)")
        }
        return result
    }

    private func reportUnknown(_ member: JSONValue.Member, _ parameters: [ParameterSpec]) {
        if let group = ParameterGroups.group(of: member.key) {
            return reportUnknown(member, of: group, parameters)
        }
        if let first = parameters.first(where: { ParameterGroups.group(of: $0.name) == member.key }) {
            bag.error(
                member.value.position, "\(label): \(member.key) takes an object, found \(member.value.kindName).",
                advice: "Write { \"\(first.name.dropFirst(member.key.count + 1))\": … }.")
            return
        }
        let keys = ParameterGroups.keys(parameters) + otherKeys
        bag.error(
            member.keyPosition, "\(label): \(owner) has no \(noun) \(quoted(member.key)).",
            advice: parameters.isEmpty && nearest(to: member.key, in: keys) == nil
                ? "It has none." : suggestion(for: member.key, in: keys, listing: "It takes"))
    }

    private func reportUnknown(_ member: JSONValue.Member, of group: String, _ parameters: [ParameterSpec]) {
        let prefix = group.count + 1
        let keys = parameters.filter { ParameterGroups.group(of: $0.name) == group }.map {
            String($0.name.dropFirst(prefix))
        }
        guard !keys.isEmpty else {
            bag.error(member.keyPosition, "\(label): \(owner) has no \(noun) \(quoted(member.key)).")
            return
        }
        let key = String(member.key.dropFirst(prefix))
        bag.error(
            member.keyPosition, "\(label): \(group) has no key \(quoted(key)).",
            advice: suggestion(for: key, in: keys, listing: "Its keys are"))
    }
}
