import Synchronization

/// What inputs of a session refuse beyond what they declare, as they have found out while they run: a recording that has
/// begun keeps its formats. Written on the lanes of those inputs, asked on those of sources.
final class FormatRefusals: Sendable {
    private let rules = Mutex<[EndPlan: @Sendable (MediaFormat) -> String?]>([:])

    func set(_ input: EndPlan, _ rule: @escaping @Sendable (MediaFormat) -> String?) {
        rules.withLock { $0[input] = rule }
    }

    func refusal(_ input: EndPlan, of format: MediaFormat) -> String? {
        rules.withLock { $0[input] }?(format)
    }
}

extension Session {
    /// Why some input that `format` would reach from `output` does not take it, in words that follow "and": through nodes
    /// that hand on what they get, within this session. nil where all take it.
    func refusal(of format: MediaFormat, from output: EndPlan) -> String? {
        var seen: Set<EndPlan> = []
        var next = [output]
        while let from = next.popLast() {
            guard seen.insert(from).inserted else { continue }
            for edge in edges where edge.plan.from == from {
                let to = edge.plan.to
                guard let core = cores.first(where: { $0.plan.name == to.node }),
                    let port = core.plan.spec.inputs.first(where: { $0.name == to.port })
                else { continue }
                let taken = port.formats(with: core.plan.allParameters)
                if !taken.contains(format) { return "\(to) takes \(taken)" }
                if let why = refusals.refusal(to, of: format) { return "\(to) \(why)" }
                next += core.plan.spec.outputs.filter { $0.follows == to.port }.map {
                    EndPlan(node: to.node, port: $0.name)
                }
            }
        }
        return nil
    }
}

extension NodeContext {
    /// Why what stands behind `output` would not take `format`, in words that follow "and": "decoder.in takes audio opus".
    /// nil where everything takes it, as far as it is known. A source that strangers send to asks before it hands on
    /// something new, and refuses the sender rather than let the run fail. On the lane.
    public func refusal(of format: MediaFormat, at output: OutputPort) -> String? {
        session.refusal(of: format, from: EndPlan(node: plainName, port: output.spec.name))
    }

    /// From now on `input` refuses formats of which `rule` gives words that follow its name: "keeps h264 1280x720". For
    /// what only opening or running tells. `rule` is called from any thread. In `prepare` and on the lane.
    public func refuse(at input: InputPort, _ rule: @escaping @Sendable (_ format: MediaFormat) -> String?) {
        session.refusals.set(EndPlan(node: plainName, port: input.spec.name), rule)
    }
}
