/// The place of a node type among the others: what lists group by and drawings colour.
@_spi(Host) public enum NodeRole: String, Sendable, CaseIterable {
    case source, codec, processing, transport, sink
    /// Made to measure the engine itself.
    case bench
}

extension NodeSpec {
    /// Read off what is declared, so that a plugin's types have one too.
    @_spi(Host) public var role: NodeRole {
        if type.hasPrefix("bench-") { return .bench }
        // Data that tell a node something do not make a filter of it.
        func media(_ ports: [PortSpec]) -> [PortSpec] {
            ports.filter { !$0.formats.patterns.allSatisfy { $0.kind == .data } }
        }
        let (inputs, outputs) = (media(inputs), media(outputs))
        let patterns = (inputs + outputs).flatMap(\.formats.patterns)
        // One that keeps a connection carries packets; a FIFO or a socket of raw media is a source or a sink.
        if descriptor.traits.contains(.live), inputs.isEmpty || outputs.isEmpty,
            patterns.contains(where: \.kind.isCoded)
        {
            return .transport
        }
        if inputs.isEmpty { return .source }
        if outputs.isEmpty { return .sink }
        let (taken, given) = (inputs.flatMap(\.formats.patterns), outputs.flatMap(\.formats.patterns))
        let isEncoder = taken.allSatisfy(\.kind.isRaw) && given.allSatisfy(\.kind.isCoded)
        let isDecoder = taken.allSatisfy(\.kind.isCoded) && given.allSatisfy(\.kind.isRaw)
        let follows = outputs.contains { $0.follows != nil }
        return (isEncoder || isDecoder) && !taken.isEmpty && !given.isEmpty && !follows ? .codec : .processing
    }
}
