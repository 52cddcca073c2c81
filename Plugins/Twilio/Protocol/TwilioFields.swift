import Sluice

/// The members of one object of a message, asked for by name: what is there must be of its type. `null` is as nothing.
///
/// Numbers come as strings (`"chunk": "12"`); plain ones are taken too.
struct TwilioFields {
    /// For sentences: `start.mediaFormat`.
    private let place: String
    private let value: JSONValue

    init(_ place: String, _ value: JSONValue) { (self.place, self.value) = (place, value) }

    private func find(_ name: String) -> JSONValue? {
        guard let found = value[name], !found.isNull else { return nil }
        return found
    }

    private func fault(_ name: String, _ found: JSONValue, _ wanted: String) -> TwilioFault {
        TwilioFault("\"\(name)\" of \(place) is \(found.kindName); send \(wanted).")
    }

    private func lacks(_ name: String) -> TwilioFault { TwilioFault("\(place) has no \"\(name)\".") }

    func object(_ name: String) throws(TwilioFault) -> TwilioFields {
        guard let found = find(name) else { throw lacks(name) }
        guard found.members != nil else { throw fault(name, found, "an object") }
        return TwilioFields("\(place).\(name)", found)
    }

    /// `longest` in bytes of UTF-8.
    func string(_ name: String, longest: Int = 256) throws(TwilioFault) -> String? {
        guard let found = find(name) else { return nil }
        guard let text = found.string, text.utf8.count <= longest else {
            throw fault(name, found, "a string of at most \(longest) bytes")
        }
        return text
    }

    func neededString(_ name: String, longest: Int = 256) throws(TwilioFault) -> String {
        guard let text = try string(name, longest: longest) else { throw lacks(name) }
        return text
    }

    /// Letters, digits, `-` and `_`, 1 to 64 of them: it becomes a part of names and of paths.
    func identifier(_ name: String) throws(TwilioFault) -> String {
        let text = try neededString(name, longest: .max)
        let isPlain = text.utf8.allSatisfy { byte in
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
        }
        guard isPlain, 1...64 ~= text.utf8.count else {
            throw TwilioFault("\"\(name)\" of \(place) is no name of 1 to 64 letters, digits, - and _.")
        }
        return text
    }

    /// 0 to 10¹⁵ − 1.
    func number(_ name: String) throws(TwilioFault) -> Int? {
        guard let found = find(name) else { return nil }
        let read: Int?
        if let text = found.string {
            let isPlain = 1...15 ~= text.utf8.count && text.utf8.allSatisfy { 0x30...0x39 ~= $0 }
            read = isPlain ? Int(text) : nil
        } else {
            read = found.integer
        }
        guard let read, 0..<1_000_000_000_000_000 ~= read else {
            throw fault(name, found, "a whole number, as \"12\"")
        }
        return read
    }

    /// Members that are strings, in their order; the first `most` of them.
    func strings(_ name: String, most: Int) throws(TwilioFault) -> [String: String] {
        guard let found = find(name) else { return [:] }
        guard let members = found.members else { throw fault(name, found, "an object") }
        var texts: [String: String] = [:]
        for member in members.prefix(most) { texts[member.key] = member.value.string }
        return texts
    }
}
