import Sluice

/// The JSON of what the node says to its peers.
enum MessageText {
    static func object(_ body: (inout JSONValue.Writer) -> Void) -> String {
        var writer = JSONValue.Writer(wrapDepth: 0)
        writer.object(body)
        return writer.text
    }

    static func error(_ what: String) -> String {
        object {
            $0.key("type", "error")
            $0.key("what", what)
        }
    }

    /// How many more segments are taken before the writer is held, and how many of this peer's have come.
    static func room(_ segments: Int, received: Int) -> String {
        object {
            $0.key("type", "room")
            $0.key("segments", segments)
            $0.key("received", received)
        }
    }

    static func interrupted(_ epoch: UInt32, dropped: Int) -> String {
        object {
            $0.key("type", "interrupted")
            $0.key("epoch", Int(epoch))
            $0.key("segments_dropped", dropped)
        }
    }

    static func answer(_ answer: Waits.Answer, epoch: UInt32, left: Int) -> String {
        object {
            switch answer.wait.kind {
            case .fence(let id):
                $0.key("type", "fence")
                $0.key(id: id)
            case .drain(let id, _):
                $0.key("type", "drained")
                if let id { $0.key(id: id) }
                $0.key("complete", answer.isComplete)
                $0.key("segments_left", left)
            }
            $0.key("epoch", Int(epoch))
            $0.key("interrupted", answer.wait.wasInterrupted)
        }
    }
}

extension JSONValue.Writer {
    fileprivate mutating func key(id: MessageID) {
        switch id {
        case .number(let number): key("id", number)
        case .text(let text): key("id", text)
        }
    }
}
