import Sluice

/// Finds the addresses that a node needs without holding its lane: digits are read at once, names are left to a worker,
/// whose answer comes as a post. On the node's lane.
public final class AddressLookup {
    /// A name to look up; the answer keeps the order of the targets.
    public struct Target: Sendable {
        public var host: String
        public var port: Int
        public init(_ host: String, port: Int) { (self.host, self.port) = (host, port) }
    }

    private var known: [SocketAddress]?
    private var answer: Answer<[SocketAddress]>?

    /// `isInputError`: what the error says of itself where a name is not found.
    public init(_ targets: [Target], _ context: NodeContext, isInputError: Bool = false) {
        let digits = targets.compactMap { SocketAddress(numeric: $0.host, port: $0.port) }
        if digits.count == targets.count {
            known = digits
        } else {
            answer = context.ask {
                try targets.map { try SocketAddress.find($0.host, port: $0.port, isInputError: isInputError) }
            }
        }
    }

    /// The addresses, once; nil while they are looked for and afterwards.
    public func take() -> Result<[SocketAddress], any Error>? {
        if let known {
            self.known = nil
            return .success(known)
        }
        return answer?.take()
    }
}
