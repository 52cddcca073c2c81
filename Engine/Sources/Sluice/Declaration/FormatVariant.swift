extension FormatSet {
    /// Other formats of the port for one value of a parameter, or for one ending of a text.
    public struct Variant: Equatable, Sendable {
        /// The parameter's name.
        public var parameter: String
        /// The value with which `formats` count.
        public var value: ParameterValue
        /// The parameter's value only ends so, upper case or lower: `.webm` of a path.
        public var isEnding = false
        /// The formats of the port then.
        public var formats: FormatSet

        /// `formats` count where `parameter` has `value`.
        public init(parameter: String, value: ParameterValue, formats: FormatSet) {
            self.parameter = parameter
            self.value = value
            self.formats = formats
        }

        /// `formats` count where `parameter`, a text, ends in `ending`.
        public init(parameter: String, ending: String, formats: FormatSet) {
            self.init(parameter: parameter, value: .string(ending), formats: formats)
            isEnding = true
        }

        func fits(_ given: ParameterValue?) -> Bool {
            guard isEnding else { return given == value }
            guard case .string(let text)? = given, case .string(let ending) = value else { return false }
            return text.lowercased().hasSuffix(ending)
        }
    }
}
