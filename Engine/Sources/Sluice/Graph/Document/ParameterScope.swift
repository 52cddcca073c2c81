/// The parameters that `${name}` can see at one place of a graph, with their values as far as they are known.
struct ParameterScope: Sendable {
    struct Entry: Sendable {
        var type: ParameterValue.Kind
        /// nil where the value comes later: a template's parameter, or `validate` without `--set`.
        var value: ParameterValue?
        var isSecret = false
    }

    var entries: [String: Entry] = [:]
    /// Template or graph, for messages.
    var owner = "the graph"
}

/// A value with its references filled in.
struct Resolved: Equatable, Sendable {
    /// nil when it depends on a parameter that has no value yet.
    var value: ParameterValue?
    /// It holds a secret and must not be shown.
    var isSecret = false
}

extension ParameterScope {
    /// Fills in `${name}`; `$${` stands for `${` itself. A text that is one reference and nothing else takes the type
    /// of the parameter, any other is a string. Reports and returns nil where a reference is broken.
    func expand(_ text: String, at position: SourcePosition, label: String, _ bag: DiagnosticBag) -> Resolved? {
        guard text.contains("${") else { return Resolved(value: .string(text)) }
        var result = Resolved()
        var expanded = ""
        var isKnown = true
        var rest = Substring(text)
        while let start = rest.firstIndex(where: { $0 == "$" }) {
            expanded += rest[..<start]
            rest = rest[start...]
            if rest.hasPrefix("$${") {
                expanded += "${"
                rest = rest.dropFirst(3)
            } else if rest.hasPrefix("${") {
                guard let end = rest.firstIndex(of: "}") else {
                    bag.error(
                        position, "\(label): a \"${\" is not closed.",
                        advice: "Add \"}\", or write \"$${\" for \"${\" itself.")
                    return nil
                }
                let name = String(rest[rest.index(rest.startIndex, offsetBy: 2)..<end])
                guard let entry = entries[name] else {
                    let names = entries.keys
                    bag.error(
                        position, "\(label): \(owner) has no parameter \(quoted(name)).",
                        advice: names.isEmpty
                            ? "Declare it in \"parameters\"."
                            : suggestion(for: name, in: names, listing: "The parameters are"))
                    return nil
                }
                result.isSecret = result.isSecret || entry.isSecret
                if text == "${\(name)}" {
                    result.value = entry.value
                    return result
                }
                if let value = entry.value { expanded += value.description } else { isKnown = false }
                rest = rest[rest.index(after: end)...]
            } else {
                expanded += "$"
                rest = rest.dropFirst()
            }
        }
        result.value = isKnown ? .string(expanded + rest) : nil
        return result
    }

    /// The parameter that the text is a reference to and nothing else.
    private func soleReference(_ text: String) -> Entry? {
        guard text.hasPrefix("${"), text.hasSuffix("}") else { return nil }
        return entries[String(text.dropFirst(2).dropLast())]
    }

    /// The value as one of `type` within `range`, references filled in. Reports and returns nil where it does not fit.
    ///
    /// `label` names the place, as `node "pacer": frame_ms`. A secret is refused unless `allowsSecret`.
    func resolve(
        _ json: JSONValue, as type: ParameterValue.Kind, range: ClosedRange<Double>? = nil, label: String,
        allowsSecret: Bool = false, _ bag: DiagnosticBag
    ) -> Resolved? {
        var resolved: Resolved
        var reference: Entry?
        if let text = json.string {
            guard let expanded = expand(text, at: json.position, label: label, bag) else { return nil }
            resolved = expanded
            reference = soleReference(text)
        } else {
            guard let value = ParameterValue(json) else {
                bag.error(json.position, "\(label) takes \(type.wanted), found \(json.kindName).")
                return nil
            }
            resolved = Resolved(value: value)
        }
        if resolved.isSecret, !allowsSecret {
            bag.error(
                json.position, "\(label) cannot hold a secret: it is shown in reports and drawings.",
                advice: "A secret may stand only in a parameter of a node or in a setting of a service.")
            return nil
        }
        guard let value = resolved.value else {
            if let reference, !Self.canFit(reference.type, type) {
                bag.error(
                    json.position,
                    "\(label) takes \(type.wanted), and \(json.string ?? "") is \(reference.type.wanted).",
                    advice: "Give the parameter the \"type\" that is taken here.")
                return nil
            }
            return resolved
        }
        var converted = type.convert(value)
        if converted == nil, reference != nil, type == .string { converted = .string(value.description) }
        guard let converted else {
            reportMismatch(json, value, type, resolved.isSecret, reference, label, bag)
            return nil
        }
        guard converted.isInside(range) else {
            let shown = resolved.isSecret ? "a secret outside of it" : converted.shown
            bag.error(json.position, "\(label) takes \(describe(range!)), found \(shown).")
            return nil
        }
        resolved.value = converted
        return resolved
    }

    private static func canFit(_ given: ParameterValue.Kind, _ wanted: ParameterValue.Kind) -> Bool {
        switch (given, wanted) {
        case (_, .string), (.integer, .number), (.number, .integer), (.string, .choice), (.choice, .choice): true
        default: given == wanted
        }
    }

    private func reportMismatch(
        _ json: JSONValue, _ value: ParameterValue, _ type: ParameterValue.Kind, _ isSecret: Bool, _ reference: Entry?,
        _ label: String, _ bag: DiagnosticBag
    ) {
        var found = isSecret ? "a secret that is not" : value.shown
        if case .string = value, !isSecret, reference == nil {
            if case .choice = type {} else { found = "the string \(value.shown)" }
        }
        var advice = ""
        if isSecret {
        } else if let reference, let text = json.string {
            advice = "\(text) is \(reference.type.wanted); give the parameter the \"type\" that is taken here."
        } else if case .choice(let choices) = type, case .string(let text) = value {
            advice = nearest(to: text, in: choices).map { "Did you mean \(quoted($0))?" } ?? ""
        } else if case .string(let text) = value, let meant = type.parse(text) {
            advice = "Write \(meant) without quotes."
        } else if type == .string {
            advice = "Write \(JSONValue.quote(value.description))."
        }
        bag.error(json.position, "\(label) takes \(type.wanted), found \(found).", advice: advice)
    }
}
