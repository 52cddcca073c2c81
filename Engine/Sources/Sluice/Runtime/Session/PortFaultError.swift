extension PortFault {
    /// In words, both ends of the edge named.
    func error(in core: NodeCore) -> any Error {
        switch self {
        case .format(let format, let edge, let formats):
            guard let told = disagreement(on: edge.pointee.owner, gives: format, takes: formats) else {
                return NodeError("an input got \(format), which it does not take")
            }
            return GraphError([told])
        case .itemClass(let item, let edge, let wanted):
            let owner = edge.pointee.owner
            return NodeError(
                "edge \"\(owner.from) -> \(owner.to)\": \(owner.from) gives a \(type(of: item)) that says it is \(item.format), \(owner.to) takes \(wanted == MediaItem.self ? "media in the class of their format" : "\(wanted)").",
                advice:
                    "Give media the class that belongs to their format: AudioFrame, VideoFrame, or Packet for coded media."
            )
        case .overfull(let items, let bytes, let edge):
            let sent = items >= Spill.itemLimit ? "\(grouped(items)) items" : "\(grouped(bytes)) bytes"
            let place = edge.map {
                let (owner, capacity) = ($0.pointee.owner, $0.pointee.owner.plan.capacity)
                return
                    "It is \(owner.from) -> \(owner.to), which holds \(capacity.items) items, \(capacity.milliseconds) ms, \(grouped(capacity.bytes)) bytes."
            }
            return NodeError(
                "\(core.name) has sent \(sent) onto a full edge: ask `hasRoom`, or return", advice: place ?? "")
        }
    }

    /// 1,000
    private func grouped(_ number: Int) -> String {
        var text = "\(number)"
        var end = text.count - 3
        while end > 0 {
            text.insert(",", at: text.index(text.startIndex, offsetBy: end))
            end -= 3
        }
        return text
    }
}

/// The ends as the engine's nodes.
extension Edge {
    var producer: NodeCore? { producerEnd.map { unsafeDowncast($0, to: NodeCore.self) } }
    var consumer: NodeCore? { consumerEnd.map { unsafeDowncast($0, to: NodeCore.self) } }
}
