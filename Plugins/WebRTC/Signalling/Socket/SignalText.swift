import Sluice

/// The messages to a browser, as JSON text on one line.
enum SignalText {
    /// A message of that type, with the members that `body` writes.
    static func object(_ type: String, _ body: (inout JSONValue.Writer) -> Void) -> String {
        var writer = JSONValue.Writer(wrapDepth: 0)
        writer.object {
            $0.key("type", type)
            body(&$0)
        }
        return writer.text
    }

    /// Our description, candidates inside. `isNew` where it begins a connection: the browser opens one, with those
    /// STUN and TURN servers.
    static func offer(_ sdp: String, generation: Int, isNew: Bool, servers: [ICEServers.Entry]) -> String {
        object("webrtc_offer") {
            $0.key("generation", generation)
            $0.key("new_connection", isNew)
            if !servers.isEmpty {
                $0.key("ice_servers") { list in
                    list.array { array in
                        for server in servers { array.element { write(server, &$0) } }
                    }
                }
            }
            $0.key("sdp", sdp)
        }
    }

    /// As `RTCIceServer` has it.
    private static func write(_ server: ICEServers.Entry, _ writer: inout JSONValue.Writer) {
        writer.object {
            $0.key("urls", server.url)
            guard let credential = server.credential else { return }
            $0.key("username", credential.name)
            $0.key("credential", credential.password)
        }
    }

    /// Why something failed. `isFinal` where the connection of this generation is over.
    static func error(_ sentence: String, generation: Int?, isFinal: Bool) -> String {
        object("error") {
            if let generation { $0.key("generation", generation) }
            $0.key("what", sentence)
            $0.key("connection_over", isFinal)
        }
    }

    /// A segment begins; `fields` are those of docs/av-segments.md.
    static func diagnostic(_ fields: [JSONValue.Member]) -> String { object("av_segment_diagnostic", fields) }

    /// A text of what is said; `fields` are those of the schema transcript.
    static func caption(_ fields: [JSONValue.Member]) -> String { object("caption", fields) }

    private static func object(_ type: String, _ fields: [JSONValue.Member]) -> String {
        object(type) { writer in
            for field in fields where field.key != "type" { writer.key(field.key) { write(field.value, &$0) } }
        }
    }

    private static func write(_ value: JSONValue, _ writer: inout JSONValue.Writer) {
        switch value.kind {
        case .null: writer.raw("null")
        case .boolean(let flag): writer.raw(flag ? "true" : "false")
        case .integer(let number): writer.raw("\(number)")
        case .number(let number): writer.number(number, places: 3)
        case .string(let text): writer.quote(text)
        case .array(let elements):
            writer.array { array in for element in elements { array.element { write(element, &$0) } } }
        case .object(let members):
            writer.object { object in for member in members { object.key(member.key) { write(member.value, &$0) } } }
        }
    }
}
