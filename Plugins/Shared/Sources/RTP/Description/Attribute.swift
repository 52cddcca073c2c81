extension SessionDescription {
    /// An `a=` line: a name, and behind a colon a value where it has one.
    public struct Attribute: Equatable, Sendable {
        /// As it stands behind `a=`: `rtpmap`, `mid`.
        public var name: String
        /// nil where there is no colon.
        public var value: String?

        /// `a=name` or `a=name:value`.
        public init(_ name: String, _ value: String? = nil) {
            self.name = name
            self.value = value
        }

        /// `line` is what stands behind `a=`; nil where it is empty.
        init?(line: Substring) {
            let sides = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = sides.first, !name.isEmpty else { return nil }
            self.init(String(name), sides.count == 2 ? String(sides[1]) : nil)
        }

        /// As it stands in a description, without the end of the line.
        public var line: String { "a=\(name)" + (value.map { ":\($0)" } ?? "") }
    }
}

extension [SessionDescription.Attribute] {
    /// Of the first that has this name and a value.
    public subscript(name: String) -> String? { values(of: name).first }

    /// Of all that have this name, in order; those without a value are left out.
    public func values(of name: String) -> [String] { compactMap { $0.name == name ? $0.value : nil } }

    /// With or without a value.
    public func contains(_ name: String) -> Bool { contains { $0.name == name } }
}

extension SessionDescription {
    /// Which hosts may send (RFC 4570): the addresses of `a=source-filter` lines that include, of the description and
    /// of the medium. Empty where there are none. Lines that exclude are not among them.
    public func includedSenders(of media: Media) -> [String] {
        (attributes.values(of: "source-filter") + media.attributes.values(of: "source-filter")).flatMap { value in
            let words = value.split(separator: " ")
            guard words.count >= 5, words[0] == "incl", words[1] == "IN" else { return [String]() }
            return words.dropFirst(4).map(String.init)
        }
    }
}
