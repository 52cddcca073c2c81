/// Everything that is known of a node type without running it: read off one fresh instance, written to the plugin's
/// manifest, and all that static validation, `list`, `inspect` and `schema` look at.
@_spi(Host) public struct NodeSpec: Equatable, Sendable {
    public var descriptor: NodeDescriptor
    public var inputs: [PortSpec]
    public var outputs: [PortSpec]
    public var parameters: [ParameterSpec]
    public var controlInputs: [ControlSpec]
    public var controlOutputs: [ControlSpec]
    public var metrics: [Metric]

    public init(
        descriptor: NodeDescriptor, inputs: [PortSpec] = [], outputs: [PortSpec] = [], parameters: [ParameterSpec] = [],
        controlInputs: [ControlSpec] = [], controlOutputs: [ControlSpec] = [], metrics: [Metric] = []
    ) {
        self.descriptor = descriptor
        self.inputs = inputs
        self.outputs = outputs
        self.parameters = parameters
        self.controlInputs = controlInputs
        self.controlOutputs = controlOutputs
        self.metrics = metrics
    }

    public var type: String { descriptor.type }
}

/// A media port. Names are lower case; `in` and `out` where a node has one.
@_spi(Host) public struct PortSpec: Equatable, Sendable {
    /// Lower case, unique among the node's ports.
    public var name: String
    /// The formats that it takes or gives, as far as they are known before the start.
    public var formats: FormatSet
    /// Replaces `formats` where a parameter of the node has this value: `source` gives packets when `decode` is false.
    public var variants: [FormatSet.Variant]
    /// An output that gives what this input takes: a relay, a pacer.
    public var follows: String?
    /// Takes any number of edges: a relay's output.
    public var isMany: Bool
    /// A graph may leave it unconnected.
    public var isOptional: Bool
    /// The edge into this input is the node's buffer: unless the graph says otherwise it holds so much, and drops
    /// rather than blocks when it is full, the oldest or to a keyframe.
    public var buffer: EdgePolicy.Capacity?

    /// `follows` names an input. The first of `variants` that fits counts.
    public init(
        _ name: String, _ formats: FormatSet, variants: [FormatSet.Variant] = [], follows: String? = nil,
        isMany: Bool = false, isOptional: Bool = false, buffer: EdgePolicy.Capacity? = nil
    ) {
        self.name = name
        self.formats = formats
        self.variants = variants
        self.follows = follows
        self.isMany = isMany
        self.isOptional = isOptional
        self.buffer = buffer
    }

    /// The formats of the port in a node with these parameter values, defaults filled in.
    public func formats(with values: [String: ParameterValue]) -> FormatSet {
        variants.first { $0.fits(values[$0.parameter]) }?.formats ?? formats
    }
}

/// A parameter of a node. Its name is snake_case with the unit in it: `frame_ms`, `bitrate_kbps`.
@_spi(Host) public struct ParameterSpec: Equatable, Sendable {
    public var name: String
    public var type: ParameterValue.Kind
    /// nil: the graph must give it.
    public var defaultValue: ParameterValue?
    /// Inclusive bounds of a number.
    public var range: ClosedRange<Double>?
    public var help: String
    /// May change while the graph runs, by a control link of the same name.
    public var isLive: Bool
    /// The value names a template that the node starts; empty starts none.
    public var template: TemplateUse?

    public init(
        _ name: String, _ type: ParameterValue.Kind, default defaultValue: ParameterValue? = nil,
        range: ClosedRange<Double>? = nil, help: String, isLive: Bool = false, template: TemplateUse? = nil
    ) {
        self.name = name
        self.type = type
        self.defaultValue = defaultValue
        self.range = range
        self.help = help
        self.isLive = isLive
        self.template = template
    }
}

/// How a node uses the template that one of its parameters names.
@_spi(Host) public struct TemplateUse: Equatable, Sendable {
    /// The parameters that it gives each instance: the template declares them, and needs no others.
    public var gives: [String]

    public init(gives: [String]) { self.gives = gives }
}

/// One end of a control link. A `value` output fits a live parameter, a `request` output a request input, a `record`
/// output a record input that wants no field which it lacks.
@_spi(Host) public struct ControlSpec: Equatable, Sendable {
    public var name: String
    public var kind: Kind
    public var help: String
    /// Of a record: what is sent, or wanted, in this order.
    public var fields: [DataSchema.Field]

    public enum Kind: String, Sendable, CaseIterable {
        /// The latest wins: a bitrate, a delay.
        case value
        /// Coalesces, is never lost: a keyframe, a calibration.
        case request
        /// Named numbers that are handed over whole, of which the latest win: a measurement of several parts.
        case record
    }

    public init(_ name: String, _ kind: Kind, fields: [DataSchema.Field] = [], help: String) {
        self.name = name
        self.kind = kind
        self.fields = fields
        self.help = help
    }
}
