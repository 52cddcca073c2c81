/// The ports, parameters and controls of a node instance, found among its stored properties in the order of
/// declaration, those of its superclasses first.
struct NodePorts {
    private(set) var inputs: ContiguousArray<InputPort> = []
    private(set) var outputs: ContiguousArray<OutputPort> = []
    /// The working parts of the ports: what every dispatch walks, without counting references.
    private(set) var inputStates: UnsafeBufferPointer<UnsafeMutablePointer<InputState>>
    private(set) var outputStates: UnsafeBufferPointer<UnsafeMutablePointer<OutputState>>
    private(set) var parameters: [any NodeParameter] = []
    private(set) var controlInputs: [any ControlInput] = []
    private(set) var controlOutputs: [any ControlOutput] = []

    init(of node: any Node) {
        (inputStates, outputStates) = (
            UnsafeBufferPointer(start: nil, count: 0), UnsafeBufferPointer(start: nil, count: 0)
        )
        var mirrors = [Mirror(reflecting: node)]
        while let parent = mirrors[0].superclassMirror { mirrors.insert(parent, at: 0) }
        for mirror in mirrors { for child in mirror.children { add(child.value) } }
        inputStates = NodePorts.list(inputs.map(\.state))
        outputStates = NodePorts.list(outputs.map(\.state))
    }

    private static func list<Element>(_ elements: [Element]) -> UnsafeBufferPointer<Element> {
        let copy = UnsafeMutableBufferPointer<Element>.allocate(capacity: elements.count)
        _ = copy.initialize(from: elements)
        return UnsafeBufferPointer(copy)
    }

    /// The owner is done with the ports.
    func release() {
        inputStates.deallocate()
        outputStates.deallocate()
    }

    private mutating func add(_ value: Any) {
        // Several alike may stand in an array.
        if let many = value as? [InputPort] { inputs += many }
        if let many = value as? [any NodeParameter] { parameters += many }
        if let many = value as? [any ControlInput] { controlInputs += many }
        if let port = value as? InputPort { inputs.append(port) }
        if let port = value as? OutputPort { outputs.append(port) }
        if let parameter = value as? any NodeParameter { parameters.append(parameter) }
        if let control = value as? any ControlInput { controlInputs.append(control) }
        if let control = value as? any ControlOutput { controlOutputs.append(control) }
    }

    func bind(_ end: EdgeEnd) {
        for input in inputs { input.bind(end) }
        for output in outputs { output.bind(end) }
        for control in controlInputs { control.cell.owner = end }
    }

    /// Of the first port whose class and formats do not fit each other; nil where all do.
    var misfit: String? { inputs.lazy.compactMap(\.misfit).first ?? outputs.lazy.compactMap(\.misfit).first }

    func input(_ name: String) -> InputPort? { inputs.first { $0.spec.name == name } }
    func output(_ name: String) -> OutputPort? { outputs.first { $0.spec.name == name } }
    func controlInput(_ name: String) -> (any ControlInput)? { controlInputs.first { $0.control.name == name } }
    func controlOutput(_ name: String) -> (any ControlOutput)? { controlOutputs.first { $0.control.name == name } }

    /// The fresh instance of a restarted node: same edges, held items kept, control links in both directions kept.
    func takeOver(from old: NodePorts) {
        for (fresh, stale) in zip(inputs, old.inputs) { fresh.takeOver(from: stale) }
        for (fresh, stale) in zip(outputs, old.outputs) { fresh.takeOver(from: stale) }
        for (fresh, stale) in zip(parameters, old.parameters) where fresh.spec == stale.spec { fresh.copy(from: stale) }
        for (fresh, stale) in zip(controlInputs, old.controlInputs) { fresh.cell = stale.cell }
        for (fresh, stale) in zip(controlOutputs, old.controlOutputs) { fresh.links = stale.links }
    }
}

@_spi(Host) extension NodeSpec {
    /// Why nodes of this type cannot be made: a port whose class and formats do not fit each other. nil if they can.
    static func misfit(of type: any Node.Type) -> String? {
        let ports = NodePorts(of: type.init())
        defer { ports.release() }
        return ports.misfit
    }

    /// Everything that a node type declares, read off a fresh instance.
    public init(of type: any Node.Type) {
        let ports = NodePorts(of: type.init())
        defer { ports.release() }
        self.init(
            descriptor: type.descriptor, inputs: ports.inputs.map(\.spec), outputs: ports.outputs.map(\.spec),
            parameters: ports.parameters.map(\.spec), controlInputs: ports.controlInputs.map(\.control),
            controlOutputs: ports.controlOutputs.map(\.control), metrics: type.metrics)
    }
}
