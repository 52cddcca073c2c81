import Sluice

/// The members of a message, asked for by name: what is there must be of its type and in its range. `null` is as
/// nothing.
struct SignalFields {
    private let type: String
    private let value: JSONValue

    /// `type` is that of the message, for sentences.
    init(_ type: String, _ value: JSONValue) {
        (self.type, self.value) = (printable(String(type.prefix(40))), value)
    }

    private func find(_ name: String) -> JSONValue? {
        guard let found = value[name], !found.isNull else { return nil }
        return found
    }

    private func fault(_ name: String, _ found: JSONValue, _ wanted: String) -> SignalFault {
        SignalFault("\"\(name)\" of \(type) is \(found.kindName); send \(wanted).")
    }

    func boolean(_ name: String) throws(SignalFault) -> Bool? {
        guard let found = find(name) else { return nil }
        guard let flag = found.boolean else { throw fault(name, found, "true or false") }
        return flag
    }

    func integer(_ name: String, _ range: ClosedRange<Int>) throws(SignalFault) -> Int? {
        guard let found = find(name) else { return nil }
        guard let number = found.integer, range.contains(number) else {
            throw fault(name, found, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func number(_ name: String, _ range: ClosedRange<Double>) throws(SignalFault) -> Double? {
        guard let found = find(name) else { return nil }
        guard let number = found.number, range.contains(number) else {
            let (low, high) = (Int(range.lowerBound), Int(range.upperBound))
            throw fault(name, found, "a number from \(low) to \(high)")
        }
        return number
    }

    /// `longest` in bytes of UTF-8.
    func string(_ name: String, longest: Int = SignalMessage.most) throws(SignalFault) -> String? {
        guard let found = find(name) else { return nil }
        guard let text = found.string, text.utf8.count <= longest else {
            throw fault(name, found, "a string of at most \(longest) bytes")
        }
        return text
    }

    func needed<Value>(_ found: Value?, _ name: String) throws(SignalFault) -> Value {
        guard let found else { throw SignalFault("\(type) has no \"\(name)\".") }
        return found
    }
}
