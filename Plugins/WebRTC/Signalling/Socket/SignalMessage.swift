import Negotiation
import Sluice

/// A message from a browser over the WebSocket at `/peer/NAME`: one JSON object a text frame, its kind in `type`.
/// docs/signalling.schema.json has the form of each. Members that it does not name are left alone.
struct SignalMessage: Equatable, Sendable {
    enum Content: Equatable, Sendable {
        /// The browser takes an offer, and sends those. In a room it has a name.
        case ready(microphone: Bool, camera: Bool, name: String? = nil)
        /// Its description, in answer to our offer.
        case answer(String)
        /// One of its candidates, or the last word on them. Nothing comes of it: a server that is ICE-lite answers
        /// checks and makes none.
        case candidate
        /// Another offer on the same connection. nil leaves microphone or camera as it is.
        case renegotiate(microphone: Bool?, camera: Bool?, restartsICE: Bool)
        /// A new connection in place of this one.
        case mediaReset
        case feedback(SyncReport)
        case stats(BrowserFigures)
        /// It has switched its microphone or its camera off, or on again.
        case mute(MediaKind, Bool)
        /// Something that the browser could not do, for the log.
        case error(String)
    }

    var content: Content
    /// The connection that it is about, as our offer counts it; nil where the message says none.
    var generation: Int?

    static let types = [
        "webrtc_ready", "webrtc_answer", "ice_candidate", "renegotiate", "media_reset", "av_sync_feedback", "stats",
        "mute", "error",
    ]

    /// The most bytes of a message; the HTTP service lets no more through.
    static let most = 65_536
    /// No message nests deeper.
    private static let limits = JSONValue.Limits(bytes: most, depth: 8)

    /// Throws for text that is no message.
    init(_ text: String) throws(SignalFault) {
        let value: JSONValue
        do { value = try JSONValue.parse(Array(text.utf8), limits: SignalMessage.limits) } catch {
            throw SignalFault("A message is no JSON: \(printable(error.message)).")
        }
        guard value.members != nil else {
            throw SignalFault("A message is \(value.kindName); send a JSON object.")
        }
        let all = SignalMessage.types.joined(separator: ", ")
        guard let type = value["type"]?.string else {
            throw SignalFault("A message has no \"type\"; there are \(all).")
        }
        let fields = SignalFields(type, value)
        generation = try fields.integer("generation", 1...Int(Int32.max))
        switch type {
        case "webrtc_ready":
            content = .ready(
                microphone: try fields.boolean("microphone") ?? false, camera: try fields.boolean("camera") ?? false,
                name: try fields.string("name", longest: 64))
        case "webrtc_answer": content = .answer(try fields.needed(try fields.string("sdp"), "sdp"))
        case "ice_candidate":
            // Browsers tell the end of their candidates by null, or by an empty one.
            _ = try fields.string("candidate", longest: 1_024)
            content = .candidate
        case "renegotiate":
            content = .renegotiate(
                microphone: try fields.boolean("microphone"), camera: try fields.boolean("camera"),
                restartsICE: try fields.boolean("ice_restart") ?? false)
        case "media_reset": content = .mediaReset
        case "av_sync_feedback": content = .feedback(try SyncReport(fields))
        case "stats": content = .stats(try BrowserFigures(fields))
        case "mute":
            let kind = try fields.needed(try fields.string("kind", longest: 8), "kind")
            guard let medium = MediaKind(rawValue: kind) else {
                throw SignalFault("\"kind\" of mute is \"\(printable(kind))\"; send audio or video.")
            }
            content = .mute(medium, try fields.needed(try fields.boolean("muted"), "muted"))
        case "error":
            let what = try fields.needed(try fields.string("what"), "what")
            content = .error(printable(String(what.prefix(500))))
        default: throw SignalFault("There is no message \"\(printable(String(type.prefix(40))))\"; there are \(all).")
        }
    }
}

/// A message that makes no sense, in a sentence for the browser and the log.
struct SignalFault: Error, Equatable, Sendable {
    var sentence: String
    init(_ sentence: String) { self.sentence = sentence }
}
