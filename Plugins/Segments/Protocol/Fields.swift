import Sluice

/// The members of a message's JSON object, asked for by name and checked: what is there must be of its type and in its
/// range, and whatever was not asked for is an error.
struct Fields {
    private let what: String
    private let members: [JSONValue.Member]
    private var asked: [String] = []

    /// `what` names the message in errors: `segment 4`.
    init(_ json: [UInt8], of what: String) throws(ProtocolError) {
        self.what = what
        let value: JSONValue
        do { value = try JSONValue.parse(json, limits: .standard) } catch {
            throw ProtocolError("the JSON of a \(what) is broken: \(error.message)")
        }
        guard let members = value.members else {
            throw ProtocolError("the JSON of a \(what) is \(value.kindName), not an object")
        }
        self.members = members
    }

    private mutating func find(_ name: String) -> JSONValue? {
        asked.append(name)
        guard let value = members.first(where: { $0.key == name })?.value, !value.isNull else { return nil }
        return value
    }

    private func wrong(_ name: String, _ value: JSONValue, _ wanted: String) -> ProtocolError {
        let shown = value.number.map { decimalText($0) } ?? value.kindName
        return ProtocolError("\(name) of a \(what) is \(shown), not \(wanted)")
    }

    /// nil where it is absent.
    mutating func integer(_ name: String, _ range: ClosedRange<Int>) throws(ProtocolError) -> Int? {
        guard let value = find(name) else { return nil }
        guard let number = value.integer, range.contains(number) else {
            throw wrong(name, value, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    mutating func number(_ name: String, _ range: ClosedRange<Double>) throws(ProtocolError) -> Double? {
        guard let value = find(name) else { return nil }
        guard let number = value.number, range.contains(number) else {
            let (low, high) = (decimalText(range.lowerBound), decimalText(range.upperBound))
            throw wrong(name, value, "a number from \(low) to \(high)")
        }
        return number
    }

    mutating func boolean(_ name: String) throws(ProtocolError) -> Bool? {
        guard let value = find(name) else { return nil }
        guard let flag = value.boolean else { throw wrong(name, value, "true or false") }
        return flag
    }

    mutating func string(_ name: String, longest: Int = 256) throws(ProtocolError) -> String? {
        guard let value = find(name) else { return nil }
        guard let text = value.string, text.utf8.count <= longest else {
            throw wrong(name, value, "a string of at most \(longest) bytes")
        }
        return text
    }

    /// A name that the peer chose and gets back: a whole number or a string.
    mutating func identifier(_ name: String) throws(ProtocolError) -> MessageID? {
        guard let value = find(name) else { return nil }
        if let number = value.integer { return .number(number) }
        if let text = value.string, text.utf8.count <= 256 { return .text(text) }
        throw wrong(name, value, "a whole number or a string of at most 256 bytes")
    }

    /// Throws if there is a member that nobody asked for.
    func refuseOthers() throws(ProtocolError) {
        guard let other = members.first(where: { !asked.contains($0.key) }) else { return }
        throw ProtocolError(
            "a \(what) has no field \"\(printable(other.key))\"; it has \(asked.joined(separator: ", "))")
    }
}

enum MessageID: Equatable, Sendable {
    case number(Int)
    case text(String)
}

private func decimalText(_ value: Double) -> String {
    if let whole = Int(exactly: value) { return String(whole) }
    return String(value)
}
