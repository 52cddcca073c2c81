/// Which peer a datagram at a port of many is for: by its way once that is proved, before by the fragment in its
/// check. A peer is the owner's number. No look-up allocates.
public struct PeerTable: Sendable {
    private var byFragment: [UInt64: Int] = [:]
    private var byRoute: [ICERoute: Int] = [:]

    /// Knows nobody.
    public init() {}

    /// Fragments that are known.
    public var fragmentCount: Int { byFragment.count }
    /// Ways that are known.
    public var routeCount: Int { byRoute.count }

    /// Checks for `credentials`, which are of ours, are the peer's. False where another peer has that fragment, or it
    /// has not our length.
    public mutating func add(_ credentials: ICECredentials, peer: Int) -> Bool {
        guard let word = credentials.fragment.withBytes(PeerTable.word) else { return false }
        guard byFragment[word] == nil || byFragment[word] == peer else { return false }
        byFragment[word] = peer
        return true
    }

    /// Nobody is known by that fragment any more.
    public mutating func remove(_ credentials: ICECredentials) {
        if let word = credentials.fragment.withBytes(PeerTable.word) { byFragment[word] = nil }
    }

    /// The peer that a check is for, by the part of its USERNAME before the colon.
    public func peer(of check: STUNMessage) -> Int? {
        guard let username = check.username, let sides = ICECredentials.sides(of: username) else { return nil }
        return PeerTable.word(sides.receiver).flatMap { byFragment[$0] }
    }

    private static func word(_ bytes: UnsafeRawBufferPointer) -> UInt64? {
        bytes.count == ICECredentials.fragmentLength ? bytes.big64(0) : nil
    }

    /// Datagrams that come by `route`, proved, are the peer's. False where it is another peer's: a check may come with
    /// a forged source, and must not take what somebody else uses. UDP and a TCP connection of one address are two
    /// ways.
    public mutating func add(_ route: ICERoute, peer: Int) -> Bool {
        let owner = byRoute[route]
        guard owner == nil || owner == peer else { return false }
        byRoute[route] = peer
        return true
    }

    /// Nobody is known by that way any more.
    public mutating func remove(_ route: ICERoute) { byRoute[route] = nil }

    /// The peer whose proved way it is.
    public func peer(at route: ICERoute) -> Int? { byRoute[route] }
}
