import Spool

/// The protocol of one provider, without its socket: messages out, replies in. Pure.
protocol SpeechWire {
    /// As graphs name the provider.
    var name: String { get }
    /// Whether `request` wants a token.
    var needsToken: Bool { get }
    /// The handshake.
    func request(token: String) -> WireRequest
    /// Sent behind the handshake.
    var greeting: [WireMessage] { get }
    /// Asks for the final of everything that was sent before it.
    var finalize: WireMessage { get }
    /// Asks for the last finals, behind which the provider closes.
    var farewell: WireMessage { get }
    var keepAlive: KeepAlive { get }
    /// The binary message for the next samples, mono at 16 kHz. As it stands they are PCM, little endian.
    mutating func message(_ samples: ArraySlice<Int16>) -> [UInt8]
    /// A message of audio, or `finalize`, has left.
    mutating func sent(isFinalize: Bool)
    /// The replies in one message. Anything may stand in it.
    mutating func read(_ text: String) -> [WireReply]
}

extension SpeechWire {
    func message(_ samples: ArraySlice<Int16>) -> [UInt8] { WaveHeader.bytes(samples) }
}

/// How a connection without audio is kept, in s since the last audio.
enum KeepAlive: Equatable, Sendable {
    case none
    case message(WireMessage, every: Double)
    /// 100 ms of it, which count on the connection's clock.
    case silence(every: Double)
}

enum WireMessage: Equatable, Sendable {
    case text(String)
    case bytes([UInt8])
}

/// The address of a WebSocket, and fields of its handshake.
struct WireRequest: Equatable, Sendable {
    struct Field: Equatable, Sendable {
        var name: String
        var value: String
    }

    var url: String
    var fields: [Field] = []
}

/// One thing that a provider says.
enum WireReply: Equatable, Sendable {
    case result(WireResult)
    /// The oldest `finalize` that has no answer has it: nothing more comes of what was sent before it.
    case finalized
    /// The code of a failure, empty where there is none. Words of the provider stay out of it.
    case error(code: String)
    /// A message of no known form.
    case unreadable
    /// A message that says nothing about words.
    case other
}

/// A text of a provider. Times count in s of the audio that was sent on this connection.
struct WireResult: Equatable, Sendable {
    /// nil where the provider does not tell.
    var start: Double?
    var end: Double?
    var words: [Written.Word] = []
    var isFinal = false
    /// 0...1.
    var confidence = 0.0
    /// ISO 639-1, empty where it is not told.
    var language = ""
    /// The provider's own label, empty where there is none.
    var speaker = ""
}
