/// A graph file as it is written: its shape is checked, names are not resolved and `${parameters}` not filled in.
/// Values that may hold a reference stay JSON until they are.
@_spi(Host) public struct GraphDocument: Sendable {
    /// The file as the user named it.
    var file: String
    public internal(set) var summary: String
    public internal(set) var parameters: [ParameterDeclaration]
    var body: SessionDocument
    var lanes: [LaneDocument] = []
    var services: [ServiceDocument] = []
}

/// Nodes, edges and controls of the graph or of a template, and the templates that it holds.
struct SessionDocument: Sendable {
    var nodes: [NodeDocument] = []
    var edges: [EdgeDocument] = []
    var controls: [ControlDocument] = []
    var templates: [TemplateDocument] = []
    var start: [StartDocument] = []
    /// An edge could not be read, which has been reported: no node counts as unconnected.
    var hasBrokenEdges = false
}

/// A parameter that a graph or template declares.
@_spi(Host) public struct ParameterDeclaration: Sendable {
    public internal(set) var name: String
    var position: SourcePosition
    var type: ParameterValue.Kind
    var defaultValue: JSONValue?
    /// Inclusive.
    var range: ClosedRange<Double>?
    public internal(set) var help: String
    /// Never shown; not taken from the command line.
    public internal(set) var isSecret: Bool
    /// The environment variable that gives it; `<env>_FILE` may name a file instead.
    public internal(set) var environmentVariable: String?
    /// The file that gives it, read when the environment does not.
    public internal(set) var file: String?

    /// Its type, default, range and help, as a node's parameter has them.
    public var spec: ParameterSpec {
        ParameterSpec(
            name, type, default: isSecret ? nil : defaultValue.flatMap(ParameterValue.init), range: range, help: help)
    }

    /// Nothing but who starts an instance gives it.
    public var needsValue: Bool { defaultValue == nil && environmentVariable == nil && file == nil }
}

struct TemplateDocument: Sendable {
    var name: String
    var position: SourcePosition
    var summary: String
    var parameters: [ParameterDeclaration]
    var body: SessionDocument
}

struct NodeDocument: Sendable {
    var name: String
    var position: SourcePosition
    /// nil when the file does not say it, which has been reported.
    var type: String?
    var typePosition: SourcePosition
    var lane: JSONValue?
    var onError: JSONValue?
    var lossless: JSONValue?
    /// For which values of parameters the node is there; nil: always.
    var when: JSONValue?
    /// The other members: the parameters of the type.
    var parameters: [JSONValue.Member]
}

/// The settings of a lane's thread.
struct LaneDocument: Sendable {
    var name: String
    var position: SourcePosition
    var cpus: JSONValue?
    var nice: JSONValue?
    var priority: JSONValue?
    var lockMemory: JSONValue?
    var pipeSize: JSONValue?
}

/// An entry of `services`.
struct ServiceDocument: Sendable {
    var name: String
    var position: SourcePosition
    /// For which values of parameters the graph sets it up; nil: always.
    var when: JSONValue?
    var settings: [JSONValue.Member]
}

/// One end of an edge or control link: `node`, `node.port`, `$parent.node.port`.
struct EndDocument: Sendable {
    /// As it is written.
    var text: String
    var node: String
    var port: String?
    var isParent: Bool
    var position: SourcePosition
}

struct EdgeDocument: Sendable {
    var from: EndDocument
    var to: EndDocument
    var items: JSONValue?
    var milliseconds: JSONValue?
    var bytes: JSONValue?
    var overflow: JSONValue?
    var epoch: JSONValue?
    var optional: JSONValue?
    var position: SourcePosition

    /// `a -> b`, as messages name it.
    var text: String { "\(from.text) -> \(to.text)" }
}

struct ControlDocument: Sendable {
    var from: EndDocument
    var to: EndDocument
    var join: JSONValue?
    var position: SourcePosition

    var text: String { "\(from.text) -> \(to.text)" }
}

/// An entry of `start`.
struct StartDocument: Sendable {
    var template: String
    var templatePosition: SourcePosition
    var count: JSONValue?
    var parameters: [JSONValue.Member]
    var position: SourcePosition
}
