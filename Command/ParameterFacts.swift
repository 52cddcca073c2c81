@_spi(Host) import Sluice

/// The facts that are told of a parameter or a setting beside its help.
enum ParameterFacts {
    static let mustBeGiven = "must be given"

    /// Type, range, default, liveness.
    static func of(_ parameter: ParameterSpec) -> [String] {
        var facts = [type(parameter)]
        if let range = parameter.range { facts.append(text(range)) }
        facts.append(parameter.defaultValue.map { "default \(shown($0))" } ?? mustBeGiven)
        if parameter.isLive { facts.append("may change while running") }
        return facts
    }

    private static func type(_ parameter: ParameterSpec) -> String {
        if case .choice(let choices) = parameter.type { return choices.joined(separator: " | ") }
        return parameter.type.name
    }

    private static func text(_ range: ClosedRange<Double>) -> String {
        func number(_ value: Double) -> String { ParameterValue.number(value).description }
        // Ends that no number of a graph reaches are no bounds.
        switch (range.lowerBound > -9e15, range.upperBound < 9e15) {
        case (true, true): return "\(number(range.lowerBound)) to \(number(range.upperBound))"
        case (true, false): return "at least \(number(range.lowerBound))"
        case (false, true): return "at most \(number(range.upperBound))"
        case (false, false): return "any"
        }
    }

    private static func shown(_ value: ParameterValue) -> String {
        if case .string(let text) = value { return "\"\(text)\"" }
        return value.description
    }
}
