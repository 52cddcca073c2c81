import Sluice

/// Finds hosts by their names: the system's way, or another one that a registry provides as a service.
public struct NameResolver: Sendable {
    /// Gives the address of a host and a port; may wait. Throws `NodeError`, which says of itself whether it is an
    /// input error, as the last argument tells. On a worker's thread.
    public let find: @Sendable (_ host: String, _ port: Int, _ isInputError: Bool) throws -> SocketAddress

    /// All addresses of a host, in the order in which they are to be tried; at least one. Otherwise as `find`.
    public let findAll: @Sendable (_ host: String, _ port: Int, _ isInputError: Bool) throws -> [SocketAddress]

    /// `find` may wait, and is called on a worker's thread.
    public init(_ find: @escaping @Sendable (_ host: String, _ port: Int, _ isInputError: Bool) throws -> SocketAddress)
    {
        self.find = find
        findAll = { [try find($0, $1, $2)] }
    }

    /// Asks the system: getaddrinfo(3).
    public static let system = NameResolver(
        find: { try SocketAddress.find($0, port: $1, isInputError: $2) },
        findAll: { try SocketAddress.findAll($0, port: $1, isInputError: $2) })

    /// The same with all addresses of a host: `find` gives the first of them.
    public init(
        find: @escaping @Sendable (String, Int, Bool) throws -> SocketAddress,
        findAll: @escaping @Sendable (String, Int, Bool) throws -> [SocketAddress]
    ) {
        (self.find, self.findAll) = (find, findAll)
    }
}

/// Finds the addresses that a node needs without holding its lane: digits are read at once, names are left to a worker,
/// whose answer comes as a post. On the node's lane.
public final class AddressLookup {
    /// A host and its port, in the order of the answer.
    public struct Target: Sendable {
        /// A name, or digits.
        public var host: String
        /// 1 to 65,535.
        public var port: Int
        /// A host and its port.
        public init(_ host: String, port: Int) { (self.host, self.port) = (host, port) }
    }

    /// The thing that the node waits for, for `isWaiting`: "the address of example.net". nil where all are digits.
    public let awaited: String?
    private var known: [[SocketAddress]]?
    private var answer: NodeContext.Answer<[[SocketAddress]]>?

    /// `isInputError`: what the error says of itself where a name is not found.
    public init(
        _ targets: [Target], _ context: NodeContext, isInputError: Bool = false, resolver: NameResolver = .system
    ) {
        let digits = targets.map { SocketAddress(numeric: $0.host, port: $0.port) }
        let names = zip(targets, digits).filter { $1 == nil }.map(\.0.host)
        guard let first = names.first else {
            awaited = nil
            known = digits.compactMap { $0.map { [$0] } }
            return
        }
        let others = Set(names).subtracting([first]).sorted()
        awaited = "the address of \(([first] + others).joined(separator: " and "))"
        answer = context.ask {
            try zip(targets, digits).map { try $1.map { [$0] } ?? resolver.findAll($0.host, $0.port, isInputError) }
        }
    }

    /// The first address of each, once; nil while they are looked for and afterwards.
    public func take() -> Result<[SocketAddress], any Error>? {
        takeAll()?.map { $0.compactMap(\.first) }
    }

    /// All addresses of each, once; nil while they are looked for and afterwards.
    public func takeAll() -> Result<[[SocketAddress]], any Error>? {
        if let known {
            self.known = nil
            return .success(known)
        }
        return answer?.take()
    }
}
