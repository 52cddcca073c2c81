/// A graph file as it is written: its shape is checked, names are not resolved and `${parameters}` not filled in.
/// Values that may hold a reference stay JSON until they are.
public struct GraphDocument: Sendable {
    /// The file as the user named it.
    public var file: String
    public var summary: String
    public var parameters: [ParameterDeclaration]
    public var body: SessionDocument
    public var lanes: [LaneDocument] = []
    public var services: [ServiceDocument] = []
}

/// Nodes, edges and controls of the graph or of a template, and the templates that it holds.
public struct SessionDocument: Sendable {
    public var nodes: [NodeDocument] = []
    public var edges: [EdgeDocument] = []
    public var controls: [ControlDocument] = []
    public var templates: [TemplateDocument] = []
    public var start: [StartDocument] = []
    /// An edge could not be read, which has been reported: no node counts as unconnected.
    var hasBrokenEdges = false
}

/// A parameter that a graph or template declares.
public struct ParameterDeclaration: Sendable {
    public var name: String
    public var position: SourcePosition
    public var type: ParameterType
    public var defaultValue: JSONValue?
    /// Inclusive.
    public var range: ClosedRange<Double>?
    public var help: String
    /// Never shown; not taken from the command line.
    public var isSecret: Bool
    /// The environment variable that gives it; `<env>_FILE` may name a file instead.
    public var environmentVariable: String?
    /// The file that gives it, read when the environment does not.
    public var file: String?

    /// Nothing but who starts an instance gives it.
    var needsValue: Bool { defaultValue == nil && environmentVariable == nil && file == nil }
}

public struct TemplateDocument: Sendable {
    public var name: String
    public var position: SourcePosition
    public var summary: String
    public var parameters: [ParameterDeclaration]
    public var body: SessionDocument
}

public struct NodeDocument: Sendable {
    public var name: String
    public var position: SourcePosition
    /// nil when the file does not say it, which has been reported.
    public var type: String?
    public var typePosition: SourcePosition
    public var lane: JSONValue?
    public var onError: JSONValue?
    public var lossless: JSONValue?
    /// For which values of parameters the node is there; nil: always.
    public var when: JSONValue?
    /// The other members: the parameters of the type.
    public var parameters: [JSONMember]
}

/// The settings of a lane's thread.
public struct LaneDocument: Sendable {
    public var name: String
    public var position: SourcePosition
    public var cpus: JSONValue?
    public var nice: JSONValue?
    public var priority: JSONValue?
    public var lockMemory: JSONValue?
    public var pipeSize: JSONValue?
}

/// An entry of `services`.
public struct ServiceDocument: Sendable {
    public var name: String
    public var position: SourcePosition
    public var settings: [JSONMember]
}

/// One end of an edge or control link: `node`, `node.port`, `$parent.node.port`.
public struct EndDocument: Sendable {
    /// As it is written.
    public var text: String
    public var node: String
    public var port: String?
    public var isParent: Bool
    public var position: SourcePosition
}

public struct EdgeDocument: Sendable {
    public var from: EndDocument
    public var to: EndDocument
    public var items: JSONValue?
    public var milliseconds: JSONValue?
    public var bytes: JSONValue?
    public var overflow: JSONValue?
    public var epoch: JSONValue?
    public var optional: JSONValue?
    public var position: SourcePosition

    /// `a -> b`, as messages name it.
    public var text: String { "\(from.text) -> \(to.text)" }
}

public struct ControlDocument: Sendable {
    public var from: EndDocument
    public var to: EndDocument
    public var join: JSONValue?
    public var position: SourcePosition

    public var text: String { "\(from.text) -> \(to.text)" }
}

/// An entry of `start`.
public struct StartDocument: Sendable {
    public var template: String
    public var templatePosition: SourcePosition
    public var count: JSONValue?
    public var parameters: [JSONMember]
    public var position: SourcePosition
}
