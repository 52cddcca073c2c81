import RTP
import Sluice

/// The messages to Twilio, as JSON text on one line (Media Streams, "WebSocket messages to Twilio").
enum TwilioText {
    /// 20 ms that the caller is to hear.
    static func media(_ bytes: some Collection<UInt8>, stream: String) -> String {
        object("media", stream) { $0.key("media") { $0.object { $0.key("payload", Base64.encode(bytes)) } } }
    }

    /// Comes back when what was sent before it has been played.
    static func mark(_ name: String, stream: String) -> String {
        object("mark", stream) { $0.key("mark") { $0.object { $0.key("name", name) } } }
    }

    /// Audio that was sent and not played yet is not to be played.
    static func clear(stream: String) -> String { object("clear", stream) { _ in } }

    private static func object(_ event: String, _ stream: String, _ body: (inout JSONValue.Writer) -> Void) -> String {
        var writer = JSONValue.Writer(wrapDepth: 0)
        writer.object {
            $0.key("event", event)
            $0.key("streamSid", stream)
            body(&$0)
        }
        return writer.text
    }
}
