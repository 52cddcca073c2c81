/// Writes JSON with keys in the order given, so that equal runs give equal bytes.
public struct JSONWriter {
    public private(set) var text = ""
    private var isFirst = true
    private var depth = 0
    /// Objects and arrays nested deeper than this are written on one line.
    private let wrapDepth: Int

    public init(wrapDepth: Int = 2) { self.wrapDepth = wrapDepth }

    public mutating func object(_ body: (inout JSONWriter) -> Void) { nest("{", "}", body) }
    public mutating func array(_ body: (inout JSONWriter) -> Void) { nest("[", "]", body) }

    private mutating func nest(_ open: String, _ close: String, _ body: (inout JSONWriter) -> Void) {
        text += open
        depth += 1
        isFirst = true
        body(&self)
        depth -= 1
        if !isFirst && depth < wrapDepth { text += "\n" + String(repeating: "  ", count: depth) }
        text += close
        isFirst = false
    }

    private mutating func separate() {
        if !isFirst { text += depth <= wrapDepth ? "," : ", " }
        if depth <= wrapDepth && depth > 0 { text += "\n" + String(repeating: "  ", count: depth) }
        isFirst = false
    }

    /// The next element of an array.
    public mutating func element(_ body: (inout JSONWriter) -> Void) {
        separate()
        body(&self)
        isFirst = false
    }

    public mutating func key(_ name: String, _ body: (inout JSONWriter) -> Void) {
        separate()
        quote(name)
        text += ": "
        body(&self)
        isFirst = false
    }

    public mutating func key(_ name: String, _ value: String) { key(name) { $0.quote(value) } }
    public mutating func key(_ name: String, _ value: Int) { key(name) { $0.text += String(value) } }
    public mutating func key(_ name: String, _ value: Bool) { key(name) { $0.text += value ? "true" : "false" } }
    /// A number with so many decimals; trailing zeros go.
    public mutating func key(_ name: String, _ value: Double, places: Int) {
        key(name) { $0.number(value, places: places) }
    }

    public mutating func number(_ value: Double, places: Int) {
        var digits = decimal(value, places: places)
        if digits.contains(".") {
            while digits.hasSuffix("0") { digits.removeLast() }
            if digits.hasSuffix(".") { digits.removeLast() }
        }
        text += digits
    }

    public mutating func raw(_ json: String) { text += json }

    public mutating func quote(_ value: String) { JSONText.quote(value, to: &text) }
}
