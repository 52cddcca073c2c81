import Synchronization

/// The part that every parameter shares: the engine finds it on the node and sets it before `prepare`.
protocol NodeParameter: AnyObject {
    var spec: ParameterSpec { get }
    /// False if the value is of another type. Range and choices were checked before.
    func set(_ value: ParameterValue) -> Bool
    /// The value as it is now, so that a restarted node goes on with it; nil while none is set.
    var current: ParameterValue? { get }
    /// The graph gave it, or a control has changed it: it is more than the default.
    var isGiven: Bool { get }
}

extension NodeParameter {
    func copy(from other: any NodeParameter) { if other.isGiven, let value = other.current { _ = set(value) } }
}

/// A parameter that is fixed when the node starts.
///
///     @Parameter("frame_ms", default: 20, range: 2.5...60, help: "The length of a frame in ms.") var frame: Double
@propertyWrapper
public final class Parameter<Value: ParameterValue.Convertible>: NodeParameter {
    let spec: ParameterSpec
    // Set before the node runs. A node's module reads it in place, since a call would look up the type's metadata.
    @exclusivity(unchecked) @usableFromInline var value: Value?
    /// The graph gave the value: it is more than the default.
    public private(set) var isGiven = false

    /// `range` is inclusive, in the unit that `name` ends with; `help` is a sentence.
    public init(_ name: String, default value: Value, range: ClosedRange<Double>? = nil, help: String) {
        spec = ParameterSpec(name, Value.parameterType, default: value.parameterValue, range: range, help: help)
        self.value = value
    }

    /// A parameter that names a template which the node starts, with the parameters that it gives each instance. The
    /// graph is refused where there is no such template, or where that one takes others. Empty starts none.
    public init(_ name: String, default value: Value, startsTemplateWith given: [String], help: String)
    where Value == String {
        spec = ParameterSpec(
            name, Value.parameterType, default: value.parameterValue, help: help, template: TemplateUse(gives: given))
        self.value = value
    }

    /// A parameter that the graph must give. Reading it before `prepare` is a programming error.
    public init(_ name: String, range: ClosedRange<Double>? = nil, help: String) {
        spec = ParameterSpec(name, Value.parameterType, range: range, help: help)
    }

    /// The value; on the node's lane, from `prepare` on.
    @inlinable public var wrappedValue: Value {
        guard let value else { failUnset() }
        return value
    }

    @usableFromInline func failUnset() -> Never {
        preconditionFailure("parameter \(spec.name) is read before the engine has set it")
    }

    /// `$frame.isGiven`: whether it is the graph's value, for a parameter whose default hangs on another one.
    public var projectedValue: Parameter<Value> { self }

    var current: ParameterValue? { value?.parameterValue }

    func set(_ new: ParameterValue) -> Bool {
        guard let converted = Value(new) else { return false }
        value = converted
        isGiven = true
        return true
    }
}

/// A parameter that may change while the graph runs, by a value control of the same name. A change is handed over on
/// the node's lane before its next `process`, clamped to the range.
@propertyWrapper
public final class Live<Value: ParameterValue.Controllable>: NodeParameter, ControlInput {
    let spec: ParameterSpec
    var cell = ControlCell()
    // Only on the node's lane, or before it runs.
    @exclusivity(unchecked) @usableFromInline var value: Value
    @exclusivity(unchecked) private var changed = false
    /// The graph gave the value, or a control has changed it: it is more than the default.
    public private(set) var isGiven = false

    /// `range` is inclusive, in the unit that `name` ends with; `help` is a sentence.
    public init(_ name: String, default value: Value, range: ClosedRange<Double>? = nil, help: String) {
        spec = ParameterSpec(
            name, Value.parameterType, default: value.parameterValue, range: range, help: help, isLive: true)
        self.value = value
    }

    /// The value as of this call; on the node's lane, from `prepare` on.
    @inlinable public var wrappedValue: Value { value }
    /// `$bitrate.takeChange()`, `$bitrate.isGiven`.
    public var projectedValue: Live<Value> { self }

    var current: ParameterValue? { value.parameterValue }

    func set(_ new: ParameterValue) -> Bool {
        guard let converted = Value(new) else { return false }
        value = converted
        isGiven = true
        return true
    }

    /// True once after each change by a control.
    public func takeChange() -> Bool {
        defer { changed = false }
        return changed
    }

    var control: ControlSpec { ControlSpec(spec.name, .value, help: spec.help) }

    func handOver() {
        guard let number = cell.takeValue(), !number.isNaN else { return }
        let clamped = spec.range.map { min(max(number, $0.lowerBound), $0.upperBound) } ?? number
        value = Value(live: clamped)
        isGiven = true
        changed = true
    }
}

extension ParameterValue {
    /// A type that a live parameter may have; it travels as a `Double`.
    public protocol Controllable: Convertible {
        /// The value of a number that is in range and not NaN.
        init(live number: Double)
    }
}

extension Double: ParameterValue.Controllable {
    public init(live number: Double) { self = number }
}

extension Int: ParameterValue.Controllable {
    /// Rounded to the nearest; saturates.
    public init(live number: Double) { self = Int(exactly: number.rounded()) ?? (number < 0 ? .min : .max) }
}

extension Bool: ParameterValue.Controllable {
    public init(live number: Double) { self = number != 0 }
}
