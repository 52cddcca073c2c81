/// One way of several: from a socket of ours to an address of the peer.
public struct ICEPath: Hashable, Sendable {
    /// The place of the socket among those that the agent was made with. Of a TCP connection that of the same family.
    public let local: Int
    /// The peer's address.
    public let remote: ICERoute

    /// From the socket at `local` to `remote`.
    public init(local: Int, remote: ICERoute) { (self.local, self.remote) = (local, remote) }
}

extension ICEPath: CustomStringConvertible {
    /// The peer's end.
    public var description: String { remote.description }
}
