/// How a value becomes one of a declared type.
extension ParameterValue.Kind {
    /// `an integer`, `one of "a", "b"`.
    var wanted: String {
        switch self {
        case .string: "a string"
        case .integer: "an integer"
        case .number: "a number"
        case .boolean: "true or false"
        case .choice(let choices): "one of " + choices.map(quoted).joined(separator: ", ")
        }
    }

    /// A value of this type with the same meaning; nil where there is none. An integer is a number, a whole number an
    /// integer, and text stays text.
    func convert(_ value: ParameterValue) -> ParameterValue? {
        switch (self, value) {
        case (.string, .string), (.integer, .integer), (.number, .number), (.boolean, .boolean): value
        case (.integer, .number(let number)): Int(exactly: number).map(ParameterValue.integer)
        case (.number, .integer(let number)): .number(Double(number))
        case (.choice(let choices), .string(let text)): choices.contains(text) ? value : nil
        default: nil
        }
    }

    /// The value that text from a command line, the environment or a file stands for.
    func parse(_ text: String) -> ParameterValue? {
        switch self {
        case .string: .string(text)
        case .integer: Int(text).map(ParameterValue.integer)
        case .number: number(text).map(ParameterValue.number)
        case .boolean: text == "true" ? .boolean(true) : text == "false" ? .boolean(false) : nil
        case .choice(let choices): choices.contains(text) ? .string(text) : nil
        }
    }

    /// Decimal and finite: what Swift reads besides (hexadecimal, infinities) is a slip of the finger here.
    private func number(_ text: String) -> Double? {
        guard text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || "+-.eE".utf8.contains($0) }),
            let number = Double(text), number.isFinite
        else { return nil }
        return number
    }
}

extension ParameterValue {
    init?(_ json: JSONValue) {
        switch json.kind {
        case .string(let text): self = .string(text)
        case .integer(let value): self = .integer(value)
        case .number(let value): self = .number(value)
        case .boolean(let value): self = .boolean(value)
        case .null, .array, .object: return nil
        }
    }

    var double: Double? { Double(self) }

    /// As messages show it: strings in quotes, cut.
    var shown: String { if case .string(let text) = self { quoted(text) } else { description } }

    func isInside(_ range: ClosedRange<Double>?) -> Bool {
        guard let range, let double else { return true }
        return range.contains(double)
    }
}

/// `5 to 120`, `at least 0`.
func describe(_ range: ClosedRange<Double>) -> String {
    func text(_ bound: Double) -> String { ParameterValue.number(bound).description }
    if range.upperBound >= 9e18 { return "at least \(text(range.lowerBound))" }
    if range.lowerBound <= -9e18 { return "at most \(text(range.upperBound))" }
    return "\(text(range.lowerBound)) to \(text(range.upperBound))"
}
