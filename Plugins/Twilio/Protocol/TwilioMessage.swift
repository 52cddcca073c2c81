import RTP
import Sluice

/// A message of Twilio's over the WebSocket of a call: one JSON object a text frame, its kind in `event`
/// (Media Streams, "WebSocket messages from Twilio"). Members that are not named here are left alone.
struct TwilioMessage: Equatable, Sendable {
    enum Content: Equatable, Sendable {
        case connected
        case start(CallStart)
        case media(CallMedia)
        /// The audio before this mark was played, or was cleared.
        case mark(String)
        /// A key: `0` to `9`, `*`, `#`, `A` to `D`.
        case digit(String)
        case stop
        /// A kind that came later than this code.
        case other
    }

    var content: Content
    /// The stream that it is about; nil where the message says none.
    var stream: String?

    /// The most bytes of a message; the HTTP service lets no more through.
    static let most = 65_536
    private static let limits = JSONValue.Limits(bytes: most, depth: 8)

    /// Throws for text that is no message.
    init(_ text: String) throws(TwilioFault) {
        let value: JSONValue
        do { value = try JSONValue.parse(Array(text.utf8), limits: TwilioMessage.limits) } catch {
            throw TwilioFault("A message is no JSON: \(printable(error.message)).")
        }
        guard value.members != nil else {
            throw TwilioFault("A message is \(value.kindName); send a JSON object.")
        }
        let fields = TwilioFields("A message", value)
        let event = try fields.neededString("event", longest: 64)
        stream = try fields.string("streamSid")
        switch event {
        case "connected": content = .connected
        case "start": content = .start(try CallStart(try fields.object("start"), stream: stream))
        case "media": content = .media(try CallMedia(try fields.object("media")))
        case "mark": content = .mark(try fields.object("mark").neededString("name"))
        case "dtmf": content = .digit(try TwilioMessage.digit(try fields.object("dtmf")))
        case "stop": content = .stop
        default: content = .other
        }
    }

    private static func digit(_ fields: TwilioFields) throws(TwilioFault) -> String {
        let text = try fields.neededString("digit")
        guard text.utf8.count == 1, "0123456789*#ABCDabcd".contains(text) else {
            throw TwilioFault("\"digit\" of dtmf is no key; there are 0 to 9, *, # and A to D.")
        }
        return text.uppercased()
    }
}

/// The beginning of a call's stream.
struct CallStart: Equatable, Sendable {
    /// `streamSid`, which goes into every message back.
    var stream: String
    /// `callSid`.
    var call: String
    /// `customParameters`, as the TwiML gave them.
    var parameters: [String: String] = [:]

    init(stream: String, call: String) { (self.stream, self.call) = (stream, call) }

    /// Throws for one whose media are no µ-law at 8 kHz.
    init(_ fields: TwilioFields, stream outer: String?) throws(TwilioFault) {
        stream = try fields.identifier("streamSid")
        guard outer == nil || outer == stream else {
            throw TwilioFault("start has two different streamSid.")
        }
        call = try fields.identifier("callSid")
        parameters = try fields.strings("customParameters", most: 32)
        let format = try fields.object("mediaFormat")
        let encoding = try format.neededString("encoding")
        let (rate, channels) = (try format.number("sampleRate") ?? 8_000, try format.number("channels") ?? 1)
        guard encoding.lowercased() == "audio/x-mulaw", rate == 8_000, channels == 1 else {
            throw TwilioFault(
                "The stream is \(printable(encoding)), \(rate) Hz, \(channels) channels; "
                    + "audio/x-mulaw, 8000 Hz, 1 channel is taken.")
        }
    }
}

/// A piece of a call's audio.
struct CallMedia: Equatable, Sendable {
    /// The caller's own track; else it is what the caller hears.
    var isInbound = true
    /// Its number in its track, from 1 on; nil where the message has none.
    var chunk: Int?
    /// In ms since the stream began; nil where the message has none.
    var timestamp: Int?
    /// µ-law, 1 to 8,000 bytes.
    var bytes: [UInt8]

    static let most = 8_000

    init(chunk: Int?, timestamp: Int?, bytes: [UInt8]) {
        (self.chunk, self.timestamp, self.bytes) = (chunk, timestamp, bytes)
    }

    init(_ fields: TwilioFields) throws(TwilioFault) {
        isInbound = try fields.string("track").map { $0 == "inbound" } ?? true
        chunk = try fields.number("chunk")
        timestamp = try fields.number("timestamp")
        let text = try fields.neededString("payload", longest: TwilioMessage.most)
        guard let decoded = Base64.decode(text), 1...CallMedia.most ~= decoded.count else {
            throw TwilioFault("\"payload\" of media is no base 64 of 1 to \(CallMedia.most) bytes.")
        }
        bytes = decoded
    }
}
