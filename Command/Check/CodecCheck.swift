@_spi(Host) import Sluice
import Synchronization

/// The findings about one encoder.
struct CodecResult {
    let type: String
    /// Which of the encoders that the node type can use; nil where it has one.
    let encoder: String?
    /// Why it does not open, or failed later; nil where all went well.
    var refusal: String?
    /// Whether it opened.
    var opens = true
    /// Nanoseconds from a picture, or the samples of a packet, to the packet, in order of size.
    var delays: [Int] = []
    /// Nanoseconds of media in a packet.
    var interval = 0
    var facts: StreamFacts?

    var works: Bool { refusal == nil && !delays.isEmpty }
    /// Nineteen packets of twenty are done before the next one is due.
    var keepsUp: Bool { works && delay(0.95) <= interval }

    /// The delay that this fraction does not exceed (nearest rank).
    func delay(_ fraction: Double) -> Int {
        guard !delays.isEmpty else { return 0 }
        return delays[min(delays.count - 1, max(0, Int((Double(delays.count) * fraction).rounded(.up)) - 1))]
    }
}

/// Runs each encoder that the plugins offer on a second of media, in a graph of three nodes on one lane, an item at a
/// time: then the time from sending to receiving is the encoder's.
struct CodecCheck {
    private let catalog: PluginCatalog
    private let width: Int
    private let height: Int
    /// An encoder that hangs is left.
    private static let patience = Interval.seconds(30)

    init(_ catalog: PluginCatalog, width: Int, height: Int) {
        (self.catalog, self.width, self.height) = (catalog, width, height)
    }

    func results() -> [CodecResult] {
        catalog.types.compactMap(catalog.spec(for:)).filter(isEncoder).flatMap { spec in
            encoders(of: spec).map { check(spec, $0) }
        }
    }

    /// Takes raw media and gives packets.
    private func isEncoder(_ spec: NodeSpec) -> Bool {
        guard spec.inputs.count == 1, spec.outputs.count == 1 else { return false }
        let (taken, given) = (spec.inputs[0].formats.patterns, spec.outputs[0].formats.patterns)
        return taken.allSatisfy(\.kind.isRaw) && given.allSatisfy { $0.kind.isCoded }
    }

    /// The default of the parameter `encoders`; nil alone where there is no such parameter.
    private func encoders(of spec: NodeSpec) -> [String?] {
        guard case .string(let names)? = spec.parameters.first(where: { $0.name == "encoders" })?.defaultValue else {
            return [nil]
        }
        return names.split(separator: ",").map { String($0) }
    }

    private func check(_ spec: NodeSpec, _ encoder: String?) -> CodecResult {
        var result = CodecResult(type: spec.type, encoder: encoder)
        let registry = NodeRegistry()
        registry.register(CheckVideo.self)
        registry.register(CheckAudio.self)
        registry.register(CheckSink.self)
        let tape = CheckTape()
        registry.provide(CheckTape.self) { tape }
        var options = RunOptions()
        options.duration = CodecCheck.patience
        do {
            try PluginLoader().load([spec.type], from: catalog, into: registry)
            let run = GraphRun(plan(spec, encoder), registry: registry, options: options)
            if try run.execute() == .failed {
                let said = run.events.events.last { $0.level == .error }
                result.refusal = said?.what ?? "the run failed"
            }
        } catch {
            result.opens = false
            result.refusal = reason(error, spec, encoder)
        }
        tape.tell(&result)
        return result
    }

    /// The encoder's own words, without the place in a graph that nobody has written and without what the line says
    /// anyway.
    private func reason(_ error: any Error, _ spec: NodeSpec, _ encoder: String?) -> String {
        var words = (error as? GraphError)?.diagnostics.first?.message ?? (error as? NodeError)?.message ?? "\(error)"
        let place = "node \"encoder\" (\(spec.type)): "
        let refusal = "\(encoder ?? "") does not open for \(width)x\(height): "
        for known in [place, refusal] where words.hasPrefix(known) { words.removeFirst(known.count) }
        if words.hasSuffix(".") { words.removeLast() }
        return words
    }

    private func plan(_ spec: NodeSpec, _ encoder: String?) -> GraphPlan {
        let patterns = spec.inputs[0].formats.patterns
        let source =
            patterns.allSatisfy(\.kind.isAudio)
            ? node("source", NodeSpec(of: CheckAudio.self), CodecCheck.audio(patterns))
            : node(
                "source", NodeSpec(of: CheckVideo.self),
                ["width": .integer(width), "height": .integer(height)])
        let nodes = [
            source, node("encoder", spec, encoder.map { ["encoders": .string($0)] } ?? [:]),
            node("sink", NodeSpec(of: CheckSink.self)),
        ]
        let ports = [
            ("source", "out", "encoder", spec.inputs[0].name), ("encoder", spec.outputs[0].name, "sink", "in"),
        ]
        let edges = ports.map { from, output, to, input in
            EdgePlan(
                from: EndPlan(node: from, port: output), to: EndPlan(node: to, port: input),
                capacity: .init(items: 1, milliseconds: 1_000))
        }
        return GraphPlan(
            name: "check", file: "sluice check", root: SessionPlan(nodes: nodes, edges: edges), templates: [:],
            start: [])
    }

    /// 48 kHz stereo in s16 where an encoder takes it, else the first that it takes.
    private static func audio(_ patterns: [FormatSet.Pattern]) -> [String: ParameterValue] {
        func chosen<Value: Equatable>(_ wanted: Value, _ taken: [Value]?) -> Value {
            guard let taken, !taken.contains(wanted) else { return wanted }
            return taken.first ?? wanted
        }
        let pattern = patterns.first
        return [
            "rate": .integer(chosen(48_000, pattern?.rates)), "channels": .integer(chosen(2, pattern?.channels)),
            "is_float": .boolean(chosen(.s16, pattern?.sampleFormats) != .s16),
        ]
    }

    private func node(_ name: String, _ spec: NodeSpec, _ parameters: [String: ParameterValue] = [:]) -> NodePlan {
        NodePlan(name: name, spec: spec, parameters: parameters, lane: "check")
    }
}
