extension JSONValue {
    /// Writes JSON with keys in the order given, so that equal runs give equal bytes.
    public struct Writer {
        /// The JSON so far, without a line feed at its end.
        public private(set) var text = ""
        private var isFirst = true
        private var depth = 0
        /// Objects and arrays nested deeper than this are written on one line.
        private let wrapDepth: Int

        /// `wrapDepth` 0 writes everything on one line.
        public init(wrapDepth: Int = 2) { self.wrapDepth = wrapDepth }

        /// An object, whose members `body` writes by `key`.
        public mutating func object(_ body: (inout Writer) -> Void) { nest("{", "}", body) }
        /// An array, whose elements `body` writes by `element`.
        public mutating func array(_ body: (inout Writer) -> Void) { nest("[", "]", body) }

        private mutating func nest(_ open: String, _ close: String, _ body: (inout Writer) -> Void) {
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
        public mutating func element(_ body: (inout Writer) -> Void) {
            separate()
            body(&self)
            isFirst = false
        }

        /// A member whose value `body` writes, exactly one.
        public mutating func key(_ name: String, _ body: (inout Writer) -> Void) {
            separate()
            quote(name)
            text += ": "
            body(&self)
            isFirst = false
        }

        /// A member that is a string.
        public mutating func key(_ name: String, _ value: String) { key(name) { $0.quote(value) } }
        /// A member that is an integer.
        public mutating func key(_ name: String, _ value: Int) { key(name) { $0.text += String(value) } }
        /// A member that is `true` or `false`.
        public mutating func key(_ name: String, _ value: Bool) { key(name) { $0.text += value ? "true" : "false" } }
        /// A number with so many decimals; trailing zeros go.
        public mutating func key(_ name: String, _ value: Double, places: Int) {
            key(name) { $0.number(value, places: places) }
        }

        /// A number with at most `places` decimals. One that is not finite is written as 0: JSON has none.
        public mutating func number(_ value: Double, places: Int) {
            var digits = decimal(value, places: places)
            if digits.contains(".") {
                while digits.hasSuffix("0") { digits.removeLast() }
                if digits.hasSuffix(".") { digits.removeLast() }
            }
            text += digits
        }

        /// JSON as it is given, unchecked.
        public mutating func raw(_ json: String) { text += json }

        /// A string with its quotes and escapes.
        public mutating func quote(_ value: String) { JSONText.quote(value, to: &text) }
    }
}
