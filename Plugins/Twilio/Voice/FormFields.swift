/// The fields of a form (`application/x-www-form-urlencoded`, URL Standard, section 5.1), in their order. Pure.
enum FormFields {
    /// More are no request of Twilio's.
    static let most = 512

    /// nil for more than `most` fields, and for what is no UTF-8.
    static func read(_ text: some StringProtocol) -> [(name: String, value: String)]? {
        let parts = text.split(separator: "&", maxSplits: most)
        guard parts.count <= most else { return nil }
        var fields: [(name: String, value: String)] = []
        for part in parts {
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = decoded(sides[0]), let value = sides.count > 1 ? decoded(sides[1]) : "" else { return nil }
            fields.append((name, value))
        }
        return fields
    }

    private static func decoded(_ text: some StringProtocol) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(0x20)
            case UInt8(ascii: "%"):
                // A sign without two digits behind it stands for itself.
                if rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
                    bytes.append(value)
                    rest = rest.dropFirst(2)
                } else {
                    bytes.append(byte)
                }
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
