/// Reads `when` of nodes and services: `{ "pixel_format": ["bgra", "i420"], "input": { "not": "twilio" } }`.
struct WhenCheck {
    let scope: ParameterScope
    let bag: DiagnosticBag

    /// Whether every parameter named has one of the values given, or none of those behind `not`. A mistake is reported,
    /// and counts as holding: what `owner` names is checked on.
    func holds(_ when: JSONValue, _ owner: String) -> Bool {
        let label = "\(owner): when"
        guard let members = when.members else {
            bag.error(
                when.position, "\(label) takes an object, found \(when.kindName).",
                advice: "Write { \"parameter\": [values that it is there for] }.")
            return true
        }
        var holds = true
        for member in members where member.key != "$comment" {
            guard let entry = scope.entries[member.key] else {
                bag.error(
                    member.keyPosition, "\(label): \(scope.owner) has no parameter \(quoted(member.key)).",
                    advice: suggestion(for: member.key, in: scope.entries.keys, listing: "The parameters are"))
                continue
            }
            let isNot = member.value.members?.count == 1 && member.value["not"] != nil
            let given = isNot ? member.value["not"] ?? member.value : member.value
            var wanted: [ParameterValue] = []
            for value in given.array ?? [given] {
                guard let plain = ParameterValue(value), let fit = entry.type.convert(plain) else {
                    bag.error(
                        value.position, "\(label): \(member.key) takes \(entry.type.wanted), found \(value.kindName).",
                        advice: "Write the values for which it is there, or { \"not\": [values for which it is not] }.")
                    return true
                }
                wanted.append(fit)
            }
            guard let value = entry.value else { continue }
            if wanted.contains(value) == isNot { holds = false }
        }
        return holds
    }
}
