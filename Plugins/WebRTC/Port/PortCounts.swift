/// Numbers that the port has counted since it opened.
struct PortCounts: Sendable, Equatable {
    /// Peers that are known now, and those of them that are not connected.
    var (peers, pending) = (0, 0)
    /// Datagrams of strangers: from where no check has proved that a peer is there, or of no protocol.
    var strange = 0
    /// Checks of known peers from where none was answered before that were refused: too many of them.
    var checksLimited = 0
    /// Checks that name no peer, or have a wrong password.
    var checksRefused = 0
}
