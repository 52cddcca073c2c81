/// The value of a parameter, as a graph file or `--set` gives it.
public enum ParameterValue: Hashable, Sendable, CustomStringConvertible {
    case string(String)
    case integer(Int)
    case number(Double)
    case boolean(Bool)

    public var description: String {
        switch self {
        case .string(let text): text
        case .integer(let value): String(value)
        case .number(let value): numberText(value)
        case .boolean(let value): String(value)
        }
    }

    /// The kind of value, as errors name it.
    public var typeName: String {
        switch self {
        case .string: "a string"
        case .integer: "an integer"
        case .number: "a number"
        case .boolean: "true or false"
        }
    }
}

extension ParameterValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(booleanLiteral value: Bool) { self = .boolean(value) }
}

extension ParameterValue {
    /// The values that a parameter accepts.
    public enum Kind: Hashable, Sendable {
        case string
        case integer
        case number
        case boolean
        /// One of these strings.
        case choice([String])

        /// As the manifest and `inspect` write it: `string`, `integer`, `number`, `boolean`, `choice`.
        public var name: String {
            switch self {
            case .string: "string"
            case .integer: "integer"
            case .number: "number"
            case .boolean: "boolean"
            case .choice: "choice"
            }
        }
    }
}

extension ParameterValue {
    /// A Swift type that a node's `@Parameter` may have.
    public protocol Convertible: Sendable {
        /// The values that a graph may give.
        static var parameterType: ParameterValue.Kind { get }
        /// nil where `value` is of another type, or is none of the choices.
        init?(_ value: ParameterValue)
        /// The value as a graph would give it.
        var parameterValue: ParameterValue { get }
    }
}

extension String: ParameterValue.Convertible {
    public static var parameterType: ParameterValue.Kind { .string }
    public init?(_ value: ParameterValue) {
        guard case .string(let text) = value else { return nil }
        self = text
    }
    public var parameterValue: ParameterValue { .string(self) }
}

extension Int: ParameterValue.Convertible {
    public static var parameterType: ParameterValue.Kind { .integer }
    public init?(_ value: ParameterValue) {
        guard case .integer(let number) = value else { return nil }
        self = number
    }
    public var parameterValue: ParameterValue { .integer(self) }
}

extension Double: ParameterValue.Convertible {
    public static var parameterType: ParameterValue.Kind { .number }
    public init?(_ value: ParameterValue) {
        switch value {
        case .number(let number): self = number
        case .integer(let number): self = Double(number)
        default: return nil
        }
    }
    public var parameterValue: ParameterValue { .number(self) }
}

extension Bool: ParameterValue.Convertible {
    public static var parameterType: ParameterValue.Kind { .boolean }
    public init?(_ value: ParameterValue) {
        guard case .boolean(let flag) = value else { return nil }
        self = flag
    }
    public var parameterValue: ParameterValue { .boolean(self) }
}

/// A string enumeration is a choice of its cases.
extension ParameterValue.Convertible where Self: RawRepresentable & CaseIterable, RawValue == String {
    public static var parameterType: ParameterValue.Kind { .choice(allCases.map(\.rawValue)) }
    public init?(_ value: ParameterValue) {
        guard case .string(let text) = value else { return nil }
        self.init(rawValue: text)
    }
    public var parameterValue: ParameterValue { .string(rawValue) }
}

extension VideoLayout.PixelFormat: ParameterValue.Convertible {}
extension AudioLayout.SampleFormat: ParameterValue.Convertible {}
extension WrittenFile.Existing: ParameterValue.Convertible {}

extension JSONValue {
    /// The JSON value that a graph file would hold.
    public init(parameter value: ParameterValue) {
        switch value {
        case .string(let text): self.init(.string(text))
        case .integer(let number): self.init(.integer(number))
        case .number(let number): self.init(.number(number))
        case .boolean(let flag): self.init(.boolean(flag))
        }
    }
}
