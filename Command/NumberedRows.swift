/// Rows that differ only in the number in their first cell become one: `in1 … in16`.
enum NumberedRows {
    /// So many in a row at least.
    private static let least = 3

    static func merged(_ rows: [[String]]) -> [[String]] {
        var result: [[String]] = []
        var rest = rows[...]
        while let first = rest.first {
            let pattern = pattern(first)
            let alike = pattern == nil ? rest.prefix(1) : rest.prefix { Self.pattern($0) == pattern }
            if alike.count >= least, let end = alike.last?.first?.split(separator: " ").last {
                result.append(["\(first[0]) … \(end)"] + first.dropFirst())
            } else {
                result += alike
            }
            rest = rest.dropFirst(alike.count)
        }
        return result
    }

    /// The row with its number left out; nil where its first cell has none, or several.
    private static func pattern(_ row: [String]) -> [String]? {
        guard let name = row.first else { return nil }
        let numbers = name.split { !$0.isNumber }
        guard numbers.count == 1, let number = numbers.first else { return nil }
        return [String(name[..<number.startIndex]), String(name[number.endIndex...])] + row.dropFirst()
    }
}
