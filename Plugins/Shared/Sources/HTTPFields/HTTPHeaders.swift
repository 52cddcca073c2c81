/// Header fields in their order. A name may stand several times; its case does not matter (RFC 9110, section 5).
public struct HTTPHeaders: Sendable, Equatable, ExpressibleByDictionaryLiteral {
    /// One field. The value is without space at its ends.
    public struct Field: Sendable, Equatable {
        /// As it was written: `ETag`.
        public var name: String
        /// The text behind the colon.
        public var value: String

        /// A field of `name` with `value`.
        public init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
    }

    /// All of them.
    public private(set) var fields: [Field] = []

    /// None.
    public init() {}
    public init(dictionaryLiteral elements: (String, String)...) { fields = elements.map { Field($0.0, $0.1) } }

    /// One field more, also where there is one of that name: `Link`.
    public mutating func add(_ name: String, _ value: String) { fields.append(Field(name, value)) }

    /// The first value of that name, nil where there is none. Set, it replaces all of that name.
    public subscript(_ name: String) -> String? {
        get { fields.first { HTTPHeaders.isSame($0.name, name) }?.value }
        set {
            fields.removeAll { HTTPHeaders.isSame($0.name, name) }
            if let newValue { add(name, newValue) }
        }
    }

    /// Every value of that name, in order.
    public func all(_ name: String) -> [String] {
        fields.filter { HTTPHeaders.isSame($0.name, name) }.map(\.value)
    }

    /// The elements of all values of that name, which are lists with commas, without space at their ends: of `Accept`,
    /// `If-Match`, `Connection`. A comma in quotes parts them too.
    public func list(_ name: String) -> [String] {
        all(name).flatMap { $0.split(separator: ",") }.map { HTTPHeaders.trimmed($0) }.filter { !$0.isEmpty }
    }

    /// The media type of the body in lower case, without parameters: `application/sdp`. nil where none is told.
    public var mediaType: String? {
        guard let type = self["Content-Type"]?.split(separator: ";").first else { return nil }
        return HTTPHeaders.trimmed(type).lowercased()
    }

    /// The media types of `Accept` (RFC 9110, section 12.5.1) hold `type`, or there is no such field. Weights other
    /// than 0 do not matter.
    public func accepts(_ type: String) -> Bool {
        let ranges = list("Accept")
        if ranges.isEmpty { return true }
        let group = (type.split(separator: "/").first ?? "") + "/*"
        return ranges.contains { range in
            let parts = range.split(separator: ";").map { HTTPHeaders.trimmed($0).lowercased() }
            guard let name = parts.first, [type, String(group), "*/*"].contains(name) else { return false }
            return !parts.dropFirst().contains { ["q=0", "q=0.0", "q=0.00", "q=0.000"].contains($0) }
        }
    }

    private static func isSame(_ a: String, _ b: String) -> Bool {
        a.utf8.count == b.utf8.count && a.utf8.elementsEqual(b.utf8) { fold($0) == fold($1) }
    }

    private static func fold(_ byte: UInt8) -> UInt8 { (0x41...0x5a).contains(byte) ? byte | 0x20 : byte }

    private static func trimmed(_ text: some StringProtocol) -> String {
        var part = text[...]
        while let first = part.first, first == " " || first == "\t" { part.removeFirst() }
        while let last = part.last, last == " " || last == "\t" { part.removeLast() }
        return String(part)
    }
}
