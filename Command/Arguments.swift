@_spi(Host) import Sluice

/// The words behind a command's name, taken apart: `--name value`, `--name=value`, operands, and after `--` operands
/// alone.
struct Arguments {
    let help: Help
    private(set) var operands: [String] = []
    private var values: [String: [String]] = [:]

    init(_ words: [String], of help: Help) throws(UsageError) {
        self.help = help
        var rest = words[...]
        while let word = rest.popFirst() {
            if word == "--" {
                operands += rest
                break
            }
            guard word.hasPrefix("-"), word != "-" else {
                operands.append(word)
                continue
            }
            try take(option: word, &rest)
        }
    }

    private mutating func take(option word: String, _ rest: inout ArraySlice<String>) throws(UsageError) {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let option = help.options.first(where: { $0.name == parts[0] }) else {
            throw error(
                "there is no option \"\(parts[0])\".",
                Spelling.suggestion(for: parts[0], in: help.options.map(\.name), listing: "The options are"))
        }
        guard let value = option.value else {
            if parts.count > 1 { throw error("\(option.name) takes no value.") }
            values[option.name, default: []].append("")
            return
        }
        guard let given = parts.count > 1 ? parts[1] : rest.popFirst() else {
            throw error("\(option.name) needs a value: \(option.name) \(value).")
        }
        if !option.repeats && values[option.name] != nil { throw error("\(option.name) is given twice.") }
        values[option.name, default: []].append(given)
    }

    func error(_ message: String, _ advice: String = "") -> UsageError {
        UsageError("sluice \(help.name): \(message)", advice.isEmpty ? "See \"sluice help \(help.name)\"." : advice)
    }

    func all(_ option: String) -> [String] { values[option] ?? [] }
    func value(_ option: String) -> String? { values[option]?.last }

    /// The only operand.
    func operand() throws(UsageError) -> String {
        guard let operand = try optionalOperand() else { throw error("\(help.operands) is missing.") }
        return operand
    }

    func optionalOperand() throws(UsageError) -> String? {
        if operands.count > 1 { throw error("\"\(operands[1])\" is one argument too many.") }
        return operands.first
    }

    /// One of these words; nil where the option is not given.
    func choice<Choice: RawRepresentable & CaseIterable>(_ option: String) throws(UsageError) -> Choice?
    where Choice.RawValue == String {
        guard let word = value(option) else { return nil }
        if let choice = Choice(rawValue: word) { return choice }
        let words = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        throw error("\(option) takes one of \(words), not \"\(word)\".")
    }

    /// The name of an SVG picture. Any other ending would lead a viewer astray.
    func svg(_ option: String) throws(UsageError) -> String? {
        guard let name = value(option) else { return nil }
        let file = name.split(separator: "/").last ?? ""
        if file.contains("."), !file.hasSuffix(".svg") {
            throw error("\(option) \(name): it writes an SVG picture.", "Choose a name that ends in .svg.")
        }
        return name
    }

    /// A length of time with its unit, more than none; at most ten years, which keeps sums of nanoseconds in range.
    func interval(_ option: String) throws(UsageError) -> Interval? {
        guard let word = value(option) else { return nil }
        let units: [(String, Double)] = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600)]
        for (unit, seconds) in units where word.hasSuffix(unit) {
            let digits = word.dropLast(unit.count)
            guard digits.allSatisfy({ $0.isASCII && $0.isNumber || $0 == "." }), let number = Double(digits),
                number > 0, number * seconds <= 315_360_000
            else { break }
            return .seconds(number * seconds)
        }
        throw error("\(option) takes a time as 10s, 500ms, 2m or 1h, not \"\(word)\".")
    }
}
