import Net

/// Which peer a datagram at a port of many is for: by its address once that is proved, before by the fragment in its
/// check. A peer is the owner's number. No look-up allocates.
public struct PeerTable: Sendable {
    private var byFragment: [UInt64: Int] = [:]
    private var byAddress: [SocketAddress.Key: Int] = [:]

    /// Knows nobody.
    public init() {}

    /// Fragments that are known.
    public var fragmentCount: Int { byFragment.count }
    /// Addresses that are known.
    public var addressCount: Int { byAddress.count }

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

    /// Datagrams from `address`, proved, are the peer's. False where it is another peer's: a check may come with a
    /// forged source, and must not take what somebody else uses.
    public mutating func add(_ address: SocketAddress, peer: Int) -> Bool {
        let owner = byAddress[address.key]
        guard owner == nil || owner == peer else { return false }
        byAddress[address.key] = peer
        return true
    }

    /// Nobody is known at that address any more.
    public mutating func remove(_ address: SocketAddress) { byAddress[address.key] = nil }

    /// The peer whose proved address it is.
    public func peer(at address: SocketAddress) -> Int? { byAddress[address.key] }
}
