/// What a connection is to be like, whoever opens it.
struct SRTOptions: Equatable, Sendable {
    /// Time for retransmission; the larger of both ends' counts.
    var latencyMilliseconds = 120
    /// What the caller names; a listener is told.
    var streamID = ""
    /// 10 to 79 bytes; empty does not encrypt.
    var passphrase = ""
    /// 16, 24 or 32 bytes; 0 leaves it to the peer, or to libsrt's 16.
    var keyLength = 0
    var connectTimeoutMilliseconds = 3_000
}
