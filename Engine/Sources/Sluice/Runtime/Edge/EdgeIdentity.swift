/// Everything about an edge that never changes.
final class EdgeIdentity: Sendable {
    /// `relay.out`
    let from: String
    /// `listener.1/pacer.in`
    let to: String
    let producer: NodeKey
    let consumer: NodeKey
    let capacity: EdgePolicy.Capacity
    /// One item of it, as people say: picture, packet, frame.
    let noun: String

    init(
        from: String, to: String, producer: NodeKey, consumer: NodeKey, capacity: EdgePolicy.Capacity,
        noun: String = "item"
    ) {
        self.from = from
        self.to = to
        self.producer = producer
        self.consumer = consumer
        self.capacity = capacity
        self.noun = noun
    }
}

extension EdgeIdentity {
    convenience init(_ plan: EdgePlan, from producer: EdgeEnd, to consumer: EdgeEnd) {
        self.init(
            from: "\(producer.name).\(plan.from.port)", to: "\(consumer.name).\(plan.to.port)",
            producer: NodeKey(producer), consumer: NodeKey(consumer), capacity: plan.capacity,
            noun: EdgeIdentity.noun(
                plan.formats, producer.spec(ofOutput: plan.from.port), consumer.spec(ofInput: plan.to.port)))
    }

    /// One kind of media that either end allows alone has a word of its own.
    private static func noun(_ known: FormatSet, _ output: PortSpec?, _ input: PortSpec?) -> String {
        for formats in [known, output?.formats ?? .any, input?.formats ?? .any] {
            let kinds = Set(formats.patterns.map(\.kind))
            guard kinds.count == 1, let kind = kinds.first else { continue }
            if kind == .rawVideo { return "picture" }
            if kind == .rawAudio { return "frame" }
            if kind == .codedVideo || kind == .codedAudio { return "packet" }
        }
        return "item"
    }
}

/// Tells the nodes of one snapshot apart. Later another node may have the same address.
struct NodeKey: Hashable, Sendable {
    let address: UInt

    init(address: UInt) { self.address = address }
    init(_ end: EdgeEnd) { address = UInt(bitPattern: Unmanaged.passUnretained(end).toOpaque()) }
}
