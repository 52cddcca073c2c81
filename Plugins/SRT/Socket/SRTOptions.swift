/// The options of a connection, whichever side opens it.
struct SRTOptions: Equatable, Sendable {
    /// Time for retransmission; the larger of both ends' counts.
    var latencyMilliseconds = 120
    /// The name that the caller gives; a listener is told.
    var streamID = ""
    /// 10 to 79 bytes; empty does not encrypt.
    var passphrase = ""
    /// 16, 24 or 32 bytes; 0 leaves it to the peer, or to libsrt's 16.
    var keyLength = 0
    var connectTimeoutMilliseconds = 3_000
}
