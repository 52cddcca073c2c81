/// Parameters of a node that belong together: one named `latency.min_ms` is written `"latency": { "min_ms": 20 }`.
enum ParameterGroups {
    /// The group that a parameter is in; nil for one that stands alone.
    static func group(of name: String) -> String? {
        name.firstIndex(of: ".").map { String(name[..<$0]) }
    }

    /// A node's members with those of its groups taken out of their objects. A member that is no group is left as it
    /// is, and is refused by its type.
    static func flattened(_ members: [JSONValue.Member], _ parameters: [ParameterSpec]) -> [JSONValue.Member] {
        let groups = Set(parameters.compactMap { group(of: $0.name) })
        return members.flatMap { member in
            guard groups.contains(member.key), let inner = member.value.members else { return [member] }
            return inner.filter { $0.key != "$comment" }.map {
                JSONValue.Member("\(member.key).\($0.key)", $0.value, at: $0.keyPosition)
            }
        }
    }

    /// The keys that a node's object may have: groups by their own name.
    static func keys(_ parameters: [ParameterSpec]) -> [String] {
        var keys: [String] = []
        for parameter in parameters {
            let key = group(of: parameter.name) ?? parameter.name
            if !keys.contains(key) { keys.append(key) }
        }
        return keys
    }

    /// Single parameters, and groups with theirs, in the order in which they are declared.
    static func grouped(_ parameters: [ParameterSpec]) -> [(key: String, members: [ParameterSpec], isGroup: Bool)] {
        keys(parameters).map { key in
            let members = parameters.filter { $0.name == key || group(of: $0.name) == key }
            return (key, members, members.contains { group(of: $0.name) == key })
        }
    }
}
