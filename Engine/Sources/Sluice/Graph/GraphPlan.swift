/// A graph as it will be built: parsed, parameters and secrets filled in, every name resolved, every static check
/// passed. Validation hands it to the runtime; drawing and the report show it.
@_spi(Host) public struct GraphPlan: Sendable {
    /// The name that the report shows: the file's without `.json`.
    public var name: String
    public var file: String
    public var summary: String
    public var root: SessionPlan
    public var warnings: [Diagnostic]
    /// The settings of lanes, by their name; `TEMPLATE/NODE` stands for that node's own lane in every instance.
    public var lanes: [String: LanePlan] = [:]
    /// The services that the graph sets up, in the order of the file.
    public var services: [ServicePlan] = []

    public init(
        name: String, file: String = "", summary: String = "", root: SessionPlan,
        templates: [String: TemplatePlan] = [:], start: [Start] = [], warnings: [Diagnostic] = [],
        lanes: [String: LanePlan] = [:]
    ) {
        self.name = name
        self.file = file
        self.summary = summary
        self.root = root
        self.root.templates.merge(templates) { $1 }
        self.root.start += start
        self.warnings = warnings
        self.lanes = lanes
    }

    /// Template definitions of the graph itself by name.
    public var templates: [String: TemplatePlan] { root.templates }
    public var start: [Start] { root.start }

    /// Inner ones too.
    public var templateCount: Int { root.templateCount }

    /// Every node that the graph and its templates, inner ones too, have; those of templates once.
    public var allNodes: [NodePlan] { root.allNodes }

    /// Template instances that run from the beginning of the session that holds the template: `count` of `template`.
    public struct Start: Sendable {
        public var template: String
        public var count: Int
        public var parameters: [String: ParameterValue]
        public var position: SourcePosition

        public init(
            template: String, count: Int, parameters: [String: ParameterValue] = [:],
            position: SourcePosition = SourcePosition(line: 1, column: 1)
        ) {
            self.template = template
            self.count = count
            self.parameters = parameters
            self.position = position
        }
    }
}

/// A service as the graph sets it up.
@_spi(Host) public struct ServicePlan: Sendable {
    public var spec: ServiceSpec
    /// Every setting that the file gives, converted to its type. Defaults are left to the service.
    public var settings: [String: ParameterValue]
    /// Settings that hold a secret: never shown.
    public var secrets: Set<String>
    public var position: SourcePosition

    public init(
        _ spec: ServiceSpec, settings: [String: ParameterValue] = [:], secrets: Set<String> = [],
        position: SourcePosition = SourcePosition(line: 1, column: 1)
    ) {
        self.spec = spec
        self.settings = settings
        self.secrets = secrets
        self.position = position
    }
}

/// The nodes, edges and controls of one session: the graph itself, or one instance of a template.
@_spi(Host) public struct SessionPlan: Sendable {
    public var nodes: [NodePlan] = []
    public var edges: [EdgePlan] = []
    public var controls: [ControlPlan] = []
    /// The templates that the session holds: to their instances it is `$parent`. Instances that are started while the
    /// graph runs are planned anew with their parameters.
    public var templates: [String: TemplatePlan] = [:]
    public var start: [GraphPlan.Start] = []

    public init(
        nodes: [NodePlan] = [], edges: [EdgePlan] = [], controls: [ControlPlan] = [],
        templates: [String: TemplatePlan] = [:], start: [GraphPlan.Start] = []
    ) {
        self.nodes = nodes
        self.edges = edges
        self.controls = controls
        self.templates = templates
        self.start = start
    }

    /// Its nodes, and those of its templates as they are with their defaults.
    public var allNodes: [NodePlan] { nodes + templatesInOrder.flatMap(\.outline.allNodes) }

    var templateCount: Int { templates.values.reduce(0) { $0 + 1 + $1.outline.templateCount } }

    /// As the file has them.
    public var templatesInOrder: [TemplatePlan] {
        templates.values.sorted { ($0.position, $0.name) < ($1.position, $1.name) }
    }
}

/// A template, and the way to plan an instance of it.
@_spi(Host) public struct TemplatePlan: Sendable {
    public var name: String
    /// Plans an instance with these parameters over the template's defaults. Throws `GraphError`.
    ///
    /// `instance` (an integer, counted from 1) is what `${instance}` stands for; it is 1 when left out.
    public var instance: @Sendable ([String: ParameterValue]) throws -> SessionPlan
    /// The parameters that an instance may be given, `instance` aside.
    public var parameters: [ParameterSpec] = []
    public var summary: String = ""
    /// An instance with the template's defaults, for drawing; parameters that have none are left open.
    public var outline = SessionPlan()
    public var position = SourcePosition(line: 1, column: 1)

    public init(name: String, instance: @escaping @Sendable ([String: ParameterValue]) throws -> SessionPlan) {
        self.name = name
        self.instance = instance
    }
}

@_spi(Host) public struct NodePlan: Sendable {
    /// Unique in its session: the key in the file.
    public var name: String
    public var spec: NodeSpec
    /// Every parameter that the file gives, converted to its type. Defaults are left to the node.
    public var parameters: [String: ParameterValue]
    /// The lane that the file names; nil leaves it to `work`.
    public var lane: String?
    /// Instead of one lane: any of these.
    public var pool: LanePool?
    public var onError: OnError
    /// `"lossless": true` on a node that shares: `block` edges may leave it.
    public var isLossless: Bool
    public var position: SourcePosition
    /// Parameters that hold a secret: never shown.
    public var secrets: Set<String> = []

    public init(
        name: String, spec: NodeSpec, parameters: [String: ParameterValue] = [:], lane: String? = nil,
        onError: OnError = .fail, isLossless: Bool = false,
        position: SourcePosition = SourcePosition(line: 1, column: 1)
    ) {
        self.name = name
        self.spec = spec
        self.parameters = parameters
        self.lane = lane
        self.onError = onError
        self.isLossless = isLossless
        self.position = position
    }

    /// With the defaults of those that the file leaves out.
    public var allParameters: [String: ParameterValue] {
        var all = parameters
        for spec in spec.parameters where all[spec.name] == nil { all[spec.name] = spec.defaultValue }
        return all
    }

    public enum OnError: String, Sendable, CaseIterable { case fail, restart }
}

/// Lanes that nodes are spread over, called `viewers.1`, `viewers.2`.
@_spi(Host) public struct LanePool: Hashable, Sendable {
    public var name: String
    public var lanes: Int

    public init(_ name: String, lanes: Int) {
        self.name = name
        self.lanes = lanes
    }

    public static let range = 1...1_024
}

/// The settings that a lane's thread gets where the system allows them.
@_spi(Host) public struct LanePlan: Equatable, Sendable {
    /// CPUs that it may run on, counted from 0, rising; empty for all.
    public var cpus: [Int] = []
    /// −20 to 19.
    public var nice: Int?
    /// Of SCHED_FIFO, 1 to 99.
    public var priority: Int?
    /// Keeps the memory of the process from being paged out.
    public var locksMemory = false
    /// Bytes of the pipes that nodes of the lane read and write.
    public var pipeBytes: Int?

    public init() {}
}

/// One end of an edge or control link.
@_spi(Host) public struct EndPlan: Hashable, Sendable, CustomStringConvertible {
    public var node: String
    public var port: String
    /// The node belongs to the parent session: `$parent.relay`.
    public var isParent: Bool

    public init(node: String, port: String, isParent: Bool = false) {
        self.node = node
        self.port = port
        self.isParent = isParent
    }

    public var description: String { (isParent ? "$parent." : "") + node + "." + port }
}

@_spi(Host) public struct EdgePlan: Sendable {
    public var from: EndPlan
    public var to: EndPlan
    public var capacity: EdgePolicy.Capacity
    public var overflow: EdgePolicy.Overflow
    public var epoch: EdgePolicy.Epoch
    /// Vanishes when the source has no such stream.
    public var isOptional: Bool
    public var position: SourcePosition
    /// The file leaves `overflow` to the media: once the format is known, `EdgePolicy.Overflow.standard` settles it.
    public var isOverflowStandard: Bool = false
    /// The formats that may pass, as far as they are known before the start.
    public var formats: FormatSet = .any

    public init(
        from: EndPlan, to: EndPlan, capacity: EdgePolicy.Capacity = .standard, overflow: EdgePolicy.Overflow = .block,
        epoch: EdgePolicy.Epoch = .flush, isOptional: Bool = false,
        position: SourcePosition = SourcePosition(line: 1, column: 1)
    ) {
        self.from = from
        self.to = to
        self.capacity = capacity
        self.overflow = overflow
        self.epoch = epoch
        self.isOptional = isOptional
        self.position = position
    }
}

@_spi(Host) public struct ControlPlan: Sendable {
    public var from: EndPlan
    public var to: EndPlan
    public var kind: ControlSpec.Kind
    /// How values of several template instances become one, `join` in the file; nil inside one session.
    public var combination: Combination?
    /// Of a record: what its receiver gets.
    public var fields: [String]
    public var position: SourcePosition

    public init(
        from: EndPlan, to: EndPlan, kind: ControlSpec.Kind, combination: Combination? = nil, fields: [String] = [],
        position: SourcePosition = SourcePosition(line: 1, column: 1)
    ) {
        self.from = from
        self.to = to
        self.kind = kind
        self.combination = combination
        self.fields = fields
        self.position = position
    }

    public enum Combination: String, Sendable, CaseIterable {
        case min, max, last, any

        /// Those that make one of several values, requests or records.
        public static func fitting(_ kind: ControlSpec.Kind) -> [Combination] {
            switch kind {
            case .value: [.min, .max, .last]
            case .request: [.any]
            case .record: [.last]
            }
        }
    }
}
